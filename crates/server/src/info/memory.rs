//! INFO memory.

use lastsave_config::Choice as _;

use super::{human_bytes, line};
use crate::client::Client;
use crate::server::Server;
use crate::system_files;

impl Server {
    /// Bytes of the data, of what snapshots still hold of them, of the clients and of the log's buffers: what
    /// `used_memory` means here.
    pub(crate) fn used_memory_bytes(&self, caller: Option<&Client>) -> u64 {
        let snapshots = self.dataset.keyspace.memory().retired_bytes as u64;
        self.dataset_bytes()
            + snapshots
            + self.client_bytes(caller)
            + self.persistence.buffered_bytes()
            + self.memory_at_start_bytes
    }

    /// Bytes of the data, function libraries included: most of what `maxmemory` limits.
    pub(crate) fn dataset_bytes(&self) -> u64 {
        self.dataset.keyspace.memory().live_bytes as u64 + self.dataset.functions.held_bytes() as u64
    }

    /// Bytes of all clients; `caller` is the one being served.
    pub(crate) fn client_bytes(&self, caller: Option<&Client>) -> u64 {
        self.clients.iter().chain(caller).map(|client| client.memory_bytes() as u64).sum()
    }

    pub(super) fn info_memory(&self, caller: &Client, text: &mut String) {
        let used = self.used_memory_bytes(Some(caller));
        let resident = system_files::resident_bytes();
        let peak = self.statistics.peak_memory_bytes.max(used);
        let dataset = self.dataset_bytes();
        let overhead = used - dataset;
        let total = system_files::total_memory_bytes();
        let snapshots = self.dataset.keyspace.memory();
        let functions = self.dataset.functions.held_bytes() as u64;
        let ratio = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
        let both = |text: &mut String, name: &str, bytes: u64| {
            line(text, name, bytes);
            line(text, &format!("{name}_human"), human_bytes(bytes));
        };
        both(text, "used_memory", used);
        both(text, "used_memory_rss", resident);
        both(text, "used_memory_peak", peak);
        line(text, "used_memory_peak_perc", format_args!("{:.2}%", ratio(used, peak) * 100.0));
        line(text, "used_memory_overhead", overhead);
        line(text, "used_memory_startup", self.memory_at_start_bytes);
        line(text, "used_memory_dataset", dataset);
        let net = used.saturating_sub(self.memory_at_start_bytes);
        line(text, "used_memory_dataset_perc", format_args!("{:.2}%", ratio(dataset, net) * 100.0));
        line(text, "allocator_allocated", used);
        line(text, "allocator_active", resident);
        line(text, "allocator_resident", resident);
        both(text, "total_system_memory", total);
        both(text, "used_memory_lua", 0);
        line(text, "used_memory_vm_eval", 0);
        line(text, "used_memory_scripts_eval", 0);
        line(text, "number_of_cached_scripts", 0);
        line(text, "number_of_functions", 0);
        line(text, "number_of_libraries", self.dataset.functions.len());
        line(text, "used_memory_vm_functions", 0);
        both(text, "used_memory_vm_total", 0);
        line(text, "used_memory_functions", functions);
        both(text, "used_memory_scripts", functions);
        both(text, "maxmemory", self.settings.max_memory_bytes);
        line(text, "maxmemory_policy", self.config.maxmemory_policy.word());
        let waste = resident.saturating_sub(used);
        line(text, "allocator_frag_ratio", format_args!("{:.2}", ratio(resident, used)));
        line(text, "allocator_frag_bytes", waste);
        line(text, "allocator_rss_ratio", "1.00");
        line(text, "allocator_rss_bytes", 0);
        line(text, "rss_overhead_ratio", "1.00");
        line(text, "rss_overhead_bytes", 0);
        line(text, "mem_fragmentation_ratio", format_args!("{:.2}", ratio(resident, used)));
        line(text, "mem_fragmentation_bytes", waste);
        line(text, "mem_not_counted_for_evict", used.saturating_sub(self.counted_bytes(Some(caller))));
        line(text, "mem_replication_backlog", 0);
        line(text, "mem_total_replication_buffers", 0);
        line(text, "mem_clients_slaves", 0);
        line(text, "mem_clients_normal", self.client_bytes(Some(caller)));
        line(text, "mem_cluster_links", 0);
        line(text, "mem_aof_buffer", self.persistence.buffered_bytes());
        line(text, "mem_snapshot_copies", snapshots.retired_bytes);
        line(text, "mem_snapshot_copies_peak", snapshots.retired_bytes_peak);
        line(text, "mem_allocator", "mimalloc");
        line(text, "active_defrag_running", 0);
        line(text, "lazyfree_pending_objects", snapshots.lazyfree_pending_keys);
        line(text, "lazyfreed_objects", snapshots.lazyfreed_keys - self.statistics.lazyfreed_keys_before);
    }

    /// Notes the highest use of memory. Called a few times a second.
    pub(crate) fn note_memory_peak(&mut self) {
        let snapshots = self.dataset.keyspace.memory().retired_bytes as u64;
        let used = self.counted_bytes(None) + snapshots + self.persistence.buffered_bytes();
        self.statistics.peak_memory_bytes = self.statistics.peak_memory_bytes.max(used);
    }
}
