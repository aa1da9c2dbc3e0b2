//! What a server keeps of writes, and when.

use clap::ValueEnum;

/// What is kept of writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::bench) enum Policy {
    /// Nothing.
    Off,
    /// A snapshot two seconds after a write, again and again: under load one follows the other.
    Rdb,
    /// The log, synced when the kernel likes.
    No,
    /// The log, synced once a second.
    Everysec,
    /// The log, synced before the reply.
    Always,
}

impl Policy {
    pub(in crate::bench) fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Rdb => "rdb",
            Self::No => "no",
            Self::Everysec => "everysec",
            Self::Always => "always",
        }
    }

    /// What the server is started with.
    pub(in crate::bench) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Off => &["--appendonly", "no"],
            Self::Rdb => &["--appendonly", "no", "--save", "2 1"],
            Self::No => &["--appendonly", "yes", "--appendfsync", "no"],
            Self::Everysec => &["--appendonly", "yes", "--appendfsync", "everysec"],
            Self::Always => &["--appendonly", "yes", "--appendfsync", "always"],
        }
    }
}
