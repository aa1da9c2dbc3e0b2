//! The persistence section of INFO: every field Redis has, in its order, and the honest ones behind them.

use std::fmt::{Display, Write as _};

use super::Persistence;
use super::log_state::LogState;
use super::progress::Progress;

impl Persistence {
    /// Writes the lines of INFO's persistence section, without its title. `retired_bytes` is the memory that snapshots
    /// hold at the moment beside the data.
    pub(crate) fn info_persistence(&self, out: &mut String, retired_bytes: usize) {
        let mut lines = Lines { out };
        self.info_snapshots(&mut lines, retired_bytes);
        self.info_rewrites(&mut lines);
        if self.is_log_enabled() {
            self.info_log(&mut lines);
        }
        if let Some(loading) = &self.loading {
            let elapsed_s = (self.now_ms() - loading.started_ms) / 1000;
            let (loaded, total) = (loading.loaded_bytes, loading.total_bytes);
            lines.field("loading_start_time", loading.started_ms / 1000);
            lines.field("loading_total_bytes", total);
            lines.field("loading_rdb_used_mem", loading.used_memory_bytes);
            lines.field("loading_loaded_bytes", loaded);
            lines.field("loading_loaded_perc", format_args!("{:.2}", percent(loaded, total)));
            let eta_s = match loaded {
                0 => 1,
                _ if elapsed_s == 0 => 1,
                _ => elapsed_s * (total.saturating_sub(loaded)) as i64 / loaded as i64,
            };
            lines.field("loading_eta_seconds", eta_s);
        }
    }

    pub(super) fn running_progress(&self) -> Option<&Progress> {
        let save = self.saves.running.as_ref().map(|running| &*running.progress);
        save.or_else(|| self.rewrite.as_ref().map(|rewrite| &*rewrite.progress))
    }

    fn info_snapshots(&self, lines: &mut Lines<'_>, retired_bytes: usize) {
        let progress = self.running_progress();
        let (done, total) = progress.map_or((0, 0), |progress| (progress.keys_done(), progress.keys_total()));
        let extra_bytes = if progress.is_some() { retired_bytes } else { 0 };
        lines.field("loading", u8::from(self.is_loading()));
        lines.field("async_loading", 0);
        lines.field("current_cow_peak", extra_bytes);
        lines.field("current_cow_size", extra_bytes);
        lines.field("current_cow_size_age", 0);
        lines.field("current_fork_perc", format_args!("{:.2}", percent(done, total)));
        lines.field("current_save_keys_processed", done);
        lines.field("current_save_keys_total", total);
        lines.field("rdb_changes_since_last_save", self.saves.dirty);
        lines.field("rdb_bgsave_in_progress", u8::from(self.saves.is_background_running()));
        lines.field("rdb_last_save_time", self.saves.last_save_seconds);
        lines.field("rdb_last_bgsave_status", status(self.saves.last_status_ok));
        lines.field("rdb_last_bgsave_time_sec", self.saves.last_duration_seconds);
        let running_seconds = self
            .saves
            .running
            .as_ref()
            .filter(|_| self.saves.is_background_running())
            .map_or(-1, |running| (self.now_ms() - running.started_ms) / 1000);
        lines.field("rdb_current_bgsave_time_sec", running_seconds);
        lines.field("rdb_saves", self.saves.count);
        lines.field("rdb_last_cow_size", self.saves.last_extra_bytes);
        lines.field("rdb_last_load_keys_expired", self.load_statistics.keys_expired);
        lines.field("rdb_last_load_keys_loaded", self.load_statistics.keys_loaded);
    }

    fn info_rewrites(&self, lines: &mut Lines<'_>) {
        let running_seconds =
            self.rewrite.as_ref().map_or(-1, |rewrite| (self.now_ms() - rewrite.started_ms) / 1000);
        let write_ok = self.log.as_ref().is_none_or(|log| log.failure().is_none());
        lines.field("aof_enabled", u8::from(self.is_log_enabled()));
        // A rewrite is not over for who watches the files before those that it replaced are gone.
        let rewrite_in_progress = self.rewrite.is_some() || self.history.is_under_way();
        lines.field("aof_rewrite_in_progress", u8::from(rewrite_in_progress));
        lines.field("aof_rewrite_scheduled", u8::from(self.rewrite_is_scheduled));
        lines.field("aof_last_rewrite_time_sec", self.rewrites.last_duration_seconds);
        lines.field("aof_current_rewrite_time_sec", running_seconds);
        lines.field("aof_last_bgrewrite_status", status(self.rewrites.last_status_ok));
        lines.field("aof_rewrites", self.rewrites.count);
        lines.field("aof_rewrites_consecutive_failures", self.rewrites.failures_in_a_row);
        lines.field("aof_last_write_status", status(write_ok));
        lines.field("aof_last_cow_size", self.rewrites.last_extra_bytes);
        lines.field("module_fork_in_progress", 0);
        lines.field("module_fork_last_cow_size", 0);
        lines.field("rdb_last_verified_time", self.saves.last_verified_seconds);
        lines.field("snapshot_last_cut_us", self.last_cut_us);
        lines.field("snapshot_longest_turn_cpu_us", self.longest_turn_us);
        lines.field("no_snapshot_longest_turn_cpu_us", self.longest_turn_without_us);
        lines.field("aof_last_load_cut_bytes", self.load_statistics.cut_bytes);
        let retained = self.directory.retained();
        lines.field("aof_retained_sets", retained.sets);
        lines.field("aof_retained_bytes", retained.bytes);
        let backups = self.backups.statistics();
        lines.field("backups_in_progress", self.backups.under_way());
        lines.field("backups_completed", backups.completed);
        lines.field("backup_last_status", status(backups.last_ok));
        lines.field("backup_last_time", backups.last_seconds);
        lines.field("backup_last_bytes", backups.last.bytes);
        lines.field("backup_last_copied_bytes", backups.last.copied_bytes);
    }

    fn info_log(&self, lines: &mut Lines<'_>) {
        let Some(log) = &self.log else { return };
        let statistics = log.statistics();
        let is_on = self.log_state == LogState::On;
        lines.field("aof_current_size", if is_on { statistics.log_bytes } else { 0 });
        lines.field("aof_base_size", if is_on { statistics.log_base_bytes } else { 0 });
        lines.field("aof_pending_rewrite", u8::from(self.rewrite_is_scheduled));
        lines.field("aof_buffer_length", self.buffered_bytes());
        lines.field("aof_pending_bio_fsync", u8::from(statistics.sync_under_way));
        lines.field("aof_delayed_fsync", statistics.counters.delayed_fsync);
        lines.field("aof_at_risk_bytes", statistics.at_risk_bytes);
        lines.field("aof_at_risk_ms", statistics.at_risk_ms);
        lines.field("aof_appended_position", statistics.appended.get());
        lines.field("aof_written_position", statistics.written.get());
        lines.field("aof_durable_position", statistics.durable.get());
        lines.field("aof_writes", statistics.counters.writes + statistics.counters.inline_writes);
        lines.field("aof_fsyncs", statistics.counters.syncs);
        let latency = &statistics.sync_latency;
        lines.field(
            "aof_fsync_usec",
            format_args!(
                "p50={},p99={},p99.9={},max={}",
                latency.quantile_us(0.5),
                latency.quantile_us(0.99),
                latency.quantile_us(0.999),
                latency.max_us()
            ),
        );
        lines.field("aof_replaced_increments", statistics.counters.replaced_increments);
    }
}

struct Lines<'a> {
    out: &'a mut String,
}

impl Lines<'_> {
    fn field(&mut self, name: &str, value: impl Display) {
        // Writing to a string cannot fail.
        let _infallible = write!(self.out, "{name}:{value}\r\n");
    }
}

fn status(ok: bool) -> &'static str {
    if ok { "ok" } else { "err" }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
