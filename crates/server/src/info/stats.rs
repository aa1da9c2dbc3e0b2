//! INFO stats.

use super::line;
use crate::pubsub::Topic;
use crate::server::Server;

impl Server {
    pub(super) fn info_stats(&self, text: &mut String) {
        let own = &self.statistics;
        let data = &self.dataset.stats;
        let (snapshots, last_cut_us) = self.persistence.snapshot_counters();
        line(text, "total_connections_received", own.connections_received);
        line(text, "total_commands_processed", own.commands_processed);
        line(text, "instantaneous_ops_per_sec", own.operations_rate.per_second());
        line(text, "total_net_input_bytes", own.net_input_bytes);
        line(text, "total_net_output_bytes", own.net_output_bytes);
        line(text, "total_net_repl_input_bytes", 0);
        line(text, "total_net_repl_output_bytes", 0);
        line(text, "instantaneous_input_kbps", format_args!("{:.2}", own.input_rate.kibi_per_second()));
        line(text, "instantaneous_output_kbps", format_args!("{:.2}", own.output_rate.kibi_per_second()));
        line(text, "instantaneous_input_repl_kbps", "0.00");
        line(text, "instantaneous_output_repl_kbps", "0.00");
        line(text, "rejected_connections", own.connections_rejected);
        line(text, "sync_full", 0);
        line(text, "sync_partial_ok", 0);
        line(text, "sync_partial_err", 0);
        line(text, "expired_keys", data.expired_keys);
        line(text, "expired_stale_perc", format_args!("{:.2}", data.expired_stale_ratio * 100.0));
        line(text, "expired_time_cap_reached_count", data.expired_time_cap_reached_count);
        line(text, "expire_cycle_cpu_milliseconds", own.expire_cycle_us / 1000);
        line(text, "evicted_keys", data.evicted_keys);
        line(text, "evicted_clients", own.evicted_clients);
        let (exceeded_us, exceeded_total_us) = self.eviction.exceeded_us(self.clock.read_monotonic_us());
        line(text, "total_eviction_exceeded_time", exceeded_total_us / 1000);
        line(text, "current_eviction_exceeded_time", exceeded_us / 1000);
        line(text, "keyspace_hits", data.keyspace_hits);
        line(text, "keyspace_misses", data.keyspace_misses);
        line(text, "pubsub_channels", self.pubsub.channel_count(Topic::Channel));
        line(text, "pubsub_patterns", self.pubsub.pattern_count());
        line(text, "pubsubshard_channels", self.pubsub.channel_count(Topic::Shard));
        line(text, "latest_fork_usec", last_cut_us);
        line(text, "total_forks", snapshots);
        line(text, "migrate_cached_sockets", self.migrate_connections.len());
        for name in [
            "slave_expires_tracked_keys",
            "active_defrag_hits",
            "active_defrag_misses",
            "active_defrag_key_hits",
            "active_defrag_key_misses",
            "total_active_defrag_time",
            "current_active_defrag_time",
        ] {
            line(text, name, 0);
        }
        line(text, "tracking_total_keys", self.tracking.key_count());
        line(text, "tracking_total_items", self.tracking.reader_count());
        line(text, "tracking_total_prefixes", self.tracking.prefix_count());
        line(text, "unexpected_error_replies", 0);
        line(text, "total_error_replies", own.error_replies);
        line(text, "dump_payload_sanitizations", 0);
        line(text, "total_reads_processed", own.reads_processed);
        line(text, "total_writes_processed", own.writes_processed);
        line(text, "io_threaded_reads_processed", 0);
        line(text, "io_threaded_writes_processed", 0);
        line(text, "client_query_buffer_limit_disconnections", own.query_buffer_limit_disconnections);
        line(text, "client_output_buffer_limit_disconnections", own.output_buffer_limit_disconnections);
        line(text, "reply_buffer_shrinks", 0);
        line(text, "reply_buffer_expands", 0);
        line(text, "eventloop_cycles", own.loop_turns);
        line(text, "eventloop_duration_sum", own.loop_busy_us);
        line(text, "eventloop_duration_cmd_sum", own.commands.duration_us());
        line(text, "eventloop_duration_max", own.loop_busy_us_max);
        line(text, "instantaneous_eventloop_cycles_per_sec", own.turn_rate.per_second());
        line(text, "instantaneous_eventloop_duration_usec", own.average_turn_us());
        line(text, "acl_access_denied_auth", own.denied_auth);
        line(text, "acl_access_denied_cmd", 0);
        line(text, "acl_access_denied_key", 0);
        line(text, "acl_access_denied_channel", 0);
    }
}
