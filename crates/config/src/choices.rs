//! The directives that take one word out of a list: one enum each, with the words as users write them.

/// A directive value that is one of a few words.
pub trait Choice: Copy + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// The words in the order in which error messages list them. A value may have several words; the first is
    /// the one that CONFIG GET shows.
    const WORDS: &'static [(&'static str, Self)];

    /// The word CONFIG GET shows.
    fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(_, value)| *value == self);
        found.map(|(word, _)| *word).expect("invariant: every variant has a word")
    }

    /// The value a word stands for, in any case.
    fn from_word(word: &[u8]) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(word));
        found.map(|(_, value)| *value)
    }
}

macro_rules! choices {
    ($( $(#[$outer:meta])* $name:ident { $( $(#[$inner:meta])* $variant:ident: $($word:literal)|+, )+ } )+) => {
        $(
            $(#[$outer])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
            pub enum $name { $( $(#[$inner])* $variant, )+ }

            impl Choice for $name {
                const WORDS: &'static [(&'static str, Self)] = &[ $( $( ($word, Self::$variant), )+ )+ ];
            }
        )+
    };
}

choices! {
    /// What is evicted when `maxmemory` is reached.
    MaxmemoryPolicy {
        /// Least recently used among keys with an expiry.
        VolatileLru: "volatile-lru",
        /// Least frequently used among keys with an expiry.
        VolatileLfu: "volatile-lfu",
        /// Any key with an expiry.
        VolatileRandom: "volatile-random",
        /// The key that expires next.
        VolatileTtl: "volatile-ttl",
        /// Least recently used of all keys.
        AllkeysLru: "allkeys-lru",
        /// Least frequently used of all keys.
        AllkeysLfu: "allkeys-lfu",
        /// Any key.
        AllkeysRandom: "allkeys-random",
        /// Nothing: writes are refused instead.
        Noeviction: "noeviction",
    }
    /// The facility given to syslog.
    SyslogFacility {
        /// `LOG_USER`.
        User: "user",
        /// `LOG_LOCAL0`.
        Local0: "local0",
        /// `LOG_LOCAL1`.
        Local1: "local1",
        /// `LOG_LOCAL2`.
        Local2: "local2",
        /// `LOG_LOCAL3`.
        Local3: "local3",
        /// `LOG_LOCAL4`.
        Local4: "local4",
        /// `LOG_LOCAL5`.
        Local5: "local5",
        /// `LOG_LOCAL6`.
        Local6: "local6",
        /// `LOG_LOCAL7`.
        Local7: "local7",
    }
    /// The least important messages that are logged.
    LogLevel {
        /// Everything.
        Debug: "debug",
        /// Much of it rarely useful.
        Verbose: "verbose",
        /// What one wants in production.
        Notice: "notice",
        /// Only what is important or critical.
        Warning: "warning",
        /// Nothing at all.
        Nothing: "nothing",
    }
    /// The service manager to report to.
    Supervised {
        /// Raise SIGSTOP once for upstart.
        Upstart: "upstart",
        /// Write READY=1 to $NOTIFY_SOCKET.
        Systemd: "systemd",
        /// Look at the environment to find out.
        Auto: "auto",
        /// None.
        No: "no",
    }
    /// When the log is synced to disk, and therefore what survives.
    AppendFsync {
        /// In the background, about once a second; every acknowledged write survives kill -9.
        Everysec: "everysec",
        /// Before the reply; every acknowledged write survives a power loss.
        Always: "always",
        /// When the kernel wants to; every acknowledged write survives kill -9.
        No: "no",
    }
    /// How a replica loads a snapshot that its master streams.
    ReplDisklessLoad {
        /// Through a file.
        Disabled: "disabled",
        /// From the socket, when the dataset is empty.
        OnEmptyDb: "on-empty-db",
        /// From the socket, keeping the old dataset until it worked.
        Swapdb: "swapdb",
    }
    /// Whether TLS clients must show a certificate.
    TlsAuthClients {
        /// They are not asked.
        No: "no",
        /// They must.
        Yes: "yes",
        /// They may.
        Optional: "optional",
    }
    /// How the kernel's out-of-memory score is set.
    OomScoreAdj {
        /// It is left alone.
        No: "no",
        /// `oom-score-adj-values` are added to the score at start.
        Relative: "yes" | "relative",
        /// `oom-score-adj-values` are the score.
        Absolute: "absolute",
    }
    /// Which channels a new user may use.
    AclPubsubDefault {
        /// All.
        Allchannels: "allchannels",
        /// None.
        Resetchannels: "resetchannels",
    }
    /// Whether the contents of packed values are checked completely when loaded.
    SanitizeDumpPayload {
        /// Never.
        No: "no",
        /// Always.
        Yes: "yes",
        /// When RESTORE is called by a client that is neither master nor exempt by ACL.
        Clients: "clients",
    }
    /// Who may use something dangerous.
    ProtectedAction {
        /// Nobody.
        No: "no",
        /// Everybody.
        Yes: "yes",
        /// Clients of this host.
        Local: "local",
    }
    /// What CLUSTER SLOTS shows as the endpoint.
    ClusterPreferredEndpointType {
        /// The address.
        Ip: "ip",
        /// The announced host name.
        Hostname: "hostname",
        /// Nothing: the client goes on using the one it knows.
        UnknownEndpoint: "unknown-endpoint",
    }
    /// What to do about an error reply to a command from the log or the master.
    PropagationErrorBehavior {
        /// Log it.
        Ignore: "ignore",
        /// Stop the process.
        Panic: "panic",
        /// Stop the process if this is a replica.
        PanicOnReplicas: "panic-on-replicas",
    }
    /// What `appendfsync everysec` does when the disk cannot keep up.
    AppendfsyncOverload {
        /// Holds back replies to writers, so that never more than about a second of writes is at risk.
        SlowWriters: "slow-writers",
        /// Goes on as Redis does, and reports how much is at risk.
        Continue: "continue",
    }
    /// What happens when a snapshot reaches its memory budget.
    SnapshotOverBudget {
        /// The snapshot is given up and may be tried again.
        Cancel: "cancel",
        /// Writers wait until it has finished.
        SlowWriters: "slow-writers",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_case_and_shown_by_their_first_form() {
        assert_eq!(AppendFsync::from_word(b"ALWAYS"), Some(AppendFsync::Always));
        assert_eq!(OomScoreAdj::from_word(b"relative"), Some(OomScoreAdj::Relative));
        assert_eq!(OomScoreAdj::Relative.word(), "yes");
        assert_eq!(AppendFsync::from_word(b"sometimes"), None);
    }
}
