//! Policies and limits.

/// When a reply may leave, and when the log is synced. Each variant says what an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// A reply waits until its write is durable. Survives the death of the process and power loss.
    Always,
    /// A reply waits until its write is in the page cache; the log is synced every second. Survives the death of the
    /// process; power loss takes at most max(1 s, one sync) plus one sync.
    EverySecond,
    /// A reply waits until its write is in the page cache. Survives the death of the process; power loss takes what
    /// neither the kernel nor the rare sync (every 30 s or 64 MiB) put on disk.
    No,
}

impl Policy {
    /// The name as configuration files spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Policy::Always => "always",
            Policy::EverySecond => "everysec",
            Policy::No => "no",
        }
    }
}

/// What [`Policy::EverySecond`] does when the disk cannot keep up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overload {
    /// Hold replies back until data at risk is again within the bound.
    SlowWriters,
    /// Let replies go, count it and say so.
    Continue,
}

/// Limits and intervals of a scheduler; [`Options::default`] is right for a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// The policy at start. Default: everysec.
    pub policy: Policy,
    /// What everysec does when the disk cannot keep up. Default: slow writers.
    pub overload: Overload,
    /// Whether there is a log at start. While there is none, batches pass unlogged (they need not be handed over at
    /// all) and replies need not wait, until [`Switch::Enable`](crate::Switch::Enable). Default: true.
    pub enabled: bool,
    /// Time between syncs under everysec. Default 1000, minimum 1.
    pub sync_interval_ms: u64,
    /// The longest time written data stays unsynced under `no`. Default 30 000, minimum 1.
    pub relaxed_sync_interval_ms: u64,
    /// Unsynced bytes that start a sync before its time, under everysec and `no`. Default 64 MiB.
    pub unsynced_bytes_max: u64,
    /// Bytes kept in memory until they are durable; at this limit writing waits for a sync. Default 256 MiB.
    pub retained_bytes_max: u64,
    /// Bytes appended and not yet written from which the queue counts as saturated. Default 64 MiB.
    pub queue_bytes_max: u64,
    /// The most bytes that go into one write (a single batch may be larger). Default 8 MiB.
    pub group_bytes_max: u64,
    /// Time between attempts while the disk is full. Default 1000, minimum 1.
    pub retry_interval_ms: u64,
    /// Attempts to replace a failed increment are made after 1, 2, 4 ... times the retry interval, at most this much
    /// apart. Default 60 000.
    pub repair_backoff_ms_max: u64,
    /// Idle time after a sync before the durable position is put on record by a mark frame. Default 100.
    pub mark_idle_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            policy: Policy::EverySecond,
            overload: Overload::SlowWriters,
            enabled: true,
            sync_interval_ms: 1000,
            relaxed_sync_interval_ms: 30_000,
            unsynced_bytes_max: 64 * MIB,
            retained_bytes_max: 256 * MIB,
            queue_bytes_max: 64 * MIB,
            group_bytes_max: 8 * MIB,
            retry_interval_ms: 1000,
            repair_backoff_ms_max: 60_000,
            mark_idle_ms: 100,
        }
    }
}
