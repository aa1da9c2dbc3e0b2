//! INFO: one file per section, in the order in which Redis prints them.

mod clients;
mod command_stats;
mod cpu;
mod debug;
mod keyspace;
mod memory;
mod replication;
mod server;
mod size;
mod stats;

pub(crate) use size::human_bytes;

use crate::client::Client;
use crate::server::Server;

/// A section of INFO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Server,
    Clients,
    Memory,
    Persistence,
    Stats,
    Replication,
    Cpu,
    Modules,
    CommandStats,
    ErrorStats,
    LatencyStats,
    Cluster,
    Keyspace,
    Debug,
}

impl Section {
    /// Every section with its name and its title, in the order in which they are printed.
    const ALL: [(Self, &'static str, &'static str); 14] = [
        (Self::Server, "server", "Server"),
        (Self::Clients, "clients", "Clients"),
        (Self::Memory, "memory", "Memory"),
        (Self::Persistence, "persistence", "Persistence"),
        (Self::Stats, "stats", "Stats"),
        (Self::Replication, "replication", "Replication"),
        (Self::Cpu, "cpu", "CPU"),
        (Self::Modules, "modules", "Modules"),
        (Self::CommandStats, "commandstats", "Commandstats"),
        (Self::ErrorStats, "errorstats", "Errorstats"),
        (Self::LatencyStats, "latencystats", "Latencystats"),
        (Self::Cluster, "cluster", "Cluster"),
        (Self::Keyspace, "keyspace", "Keyspace"),
        (Self::Debug, "debug", "Debug"),
    ];

    /// Whether INFO without arguments prints it.
    fn is_default(self) -> bool {
        !matches!(self, Self::CommandStats | Self::LatencyStats | Self::Debug)
    }

    /// Whether one of the words a client gave asks for it. No words ask for the default.
    fn is_asked_for(self, name: &str, words: &[&[u8]]) -> bool {
        if words.is_empty() {
            return self.is_default();
        }
        words.iter().any(|word| {
            let is = |known: &str| word.eq_ignore_ascii_case(known.as_bytes());
            is(name)
                || is("everything") && self != Self::Debug
                || is("all") && !matches!(self, Self::Modules | Self::Debug)
                || is("default") && self.is_default()
        })
    }
}

impl Server {
    /// The text of INFO for the sections that `words` ask for. `caller` is the client that asks.
    pub(crate) fn info_text(&self, caller: &Client, words: &[&[u8]]) -> String {
        let mut text = String::with_capacity(4096);
        for (section, name, title) in Section::ALL {
            if !section.is_asked_for(name, words) {
                continue;
            }
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            text.push_str("# ");
            text.push_str(title);
            text.push_str("\r\n");
            self.info_section(section, caller, &mut text);
        }
        text
    }

    fn info_section(&self, section: Section, caller: &Client, text: &mut String) {
        match section {
            Section::Server => self.info_server(text),
            Section::Clients => self.info_clients(caller, text),
            Section::Memory => self.info_memory(caller, text),
            Section::Persistence => {
                let retired_bytes = self.dataset.keyspace.memory().retired_bytes;
                self.persistence.info_persistence(text, retired_bytes);
            }
            Section::Stats => self.info_stats(text),
            Section::Replication => self.info_replication(text),
            Section::Cpu => self.info_cpu(text),
            Section::Modules => {}
            Section::CommandStats => self.info_command_stats(text),
            Section::ErrorStats => self.info_error_stats(text),
            Section::LatencyStats => self.info_latency_stats(text),
            Section::Cluster => text.push_str("cluster_enabled:0\r\n"),
            Section::Keyspace => self.info_keyspace(text),
            Section::Debug => self.info_debug(text),
        }
    }
}

/// Appends one `name:value` line.
fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    use std::fmt::Write as _;
    // Writing to a string cannot fail.
    let _infallible = write!(text, "{name}:{value}\r\n");
}

#[cfg(test)]
mod tests {
    use super::Section;

    fn asked(words: &[&str]) -> Vec<&'static str> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        Section::ALL
            .iter()
            .filter(|(section, name, _)| section.is_asked_for(name, &words))
            .map(|(_, name, _)| *name)
            .collect()
    }

    #[test]
    fn words_choose_sections() {
        assert_eq!(asked(&["keyspace", "SERVER"]), ["server", "keyspace"]);
        assert_eq!(asked(&["nosuch"]), [""; 0]);
        assert_eq!(asked(&["everything"]).len(), 13);
        assert_eq!(asked(&["all"]).len(), 12);
        assert_eq!(asked(&[]), asked(&["default"]));
        assert!(!asked(&[]).contains(&"commandstats"));
        assert!(asked(&["default", "commandstats"]).contains(&"commandstats"));
    }
}
