//! How long commands take, with one look at the clock per command.
//!
//! The end of a command is the start of the next one in the batch, so a pipelined command costs one reading.

use lastsave_commands::CommandSpec;

use crate::server::Server;

/// A command that took longer than this makes the cached time be read again before the next one.
const REFRESH_AFTER_NS: u64 = 1_000_000;

impl Server {
    /// A batch of commands begins now.
    pub(crate) fn start_timing(&mut self) {
        self.command_started_ns = self.clock.read_monotonic_ns();
    }

    /// The command that started at `started_ns` ends now: counts it, and gives how long it took. Within
    /// a transaction the time of day stays what it was at its start.
    pub(crate) fn finish_timing(
        &mut self,
        spec: &'static CommandSpec,
        started_ns: u64,
        failed: bool,
        in_transaction: bool,
    ) -> u64 {
        let now_ns = self.clock.read_monotonic_ns();
        let duration_ns = now_ns.saturating_sub(started_ns);
        self.command_started_ns = now_ns;
        self.statistics.commands_processed += 1;
        self.statistics.commands.count_call(spec, duration_ns, failed, self.settings.track_latency);
        if duration_ns >= REFRESH_AFTER_NS && !in_transaction {
            self.clock.refresh();
        }
        duration_ns
    }
}
