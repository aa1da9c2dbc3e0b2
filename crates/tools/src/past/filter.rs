//! Which records are wanted.

use lastsave_aof::{Record, WrittenAt};
use lastsave_commands::{find_keys, glob_matches, lookup};

use super::point::Moment;

/// Commands that change keys without naming them.
const WHOLE_DATABASE: [&[u8]; 3] = [b"FLUSHALL", b"FLUSHDB", b"SWAPDB"];

/// Conditions on a record; all that are given must hold.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// One of its keys is one of these, begins with one of these, or matches one of these patterns.
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) prefixes: Vec<Vec<u8>>,
    pub(super) patterns: Vec<Vec<u8>>,
    /// Its command is one of these.
    pub(super) commands: Vec<Vec<u8>>,
    pub(super) database: Option<u64>,
    pub(super) since: Option<Moment>,
    pub(super) until: Option<Moment>,
}

impl Filter {
    /// Whether a record is wanted. What is not known of it speaks for it.
    pub(super) fn wants(&self, record: &Record<'_>, database: Option<u64>, written: &WrittenAt) -> bool {
        let is_in_database = match (self.database, database) {
            (Some(wanted), Some(database)) => {
                wanted == database || record.argument(0).eq_ignore_ascii_case(b"FLUSHALL")
            }
            _ => true,
        };
        is_in_database
            && self.is_in_time(written)
            && self.is_wanted_command(record)
            && self.has_wanted_key(record)
    }

    fn is_in_time(&self, written: &WrittenAt) -> bool {
        let is_late_enough = self
            .since
            .is_none_or(|since| written.not_after_ms.is_none_or(|not_after| not_after >= since.first_ms));
        let is_early_enough = self
            .until
            .is_none_or(|until| written.not_before_ms.is_none_or(|not_before| not_before <= until.last_ms));
        is_late_enough && is_early_enough
    }

    fn is_wanted_command(&self, record: &Record<'_>) -> bool {
        self.commands.is_empty()
            || self.commands.iter().any(|name| name.eq_ignore_ascii_case(record.argument(0)))
    }

    fn has_wanted_key(&self, record: &Record<'_>) -> bool {
        if self.keys.is_empty() && self.prefixes.is_empty() && self.patterns.is_empty() {
            return true;
        }
        let name = record.argument(0);
        if WHOLE_DATABASE.iter().any(|command| command.eq_ignore_ascii_case(name)) {
            return true;
        }
        let Some(spec) = lookup(name) else { return false };
        let argument = |index: usize| if index < record.len() { record.argument(index) } else { &b""[..] };
        let found = find_keys(spec, record.len(), &argument).unwrap_or_default();
        found.iter().any(|position| {
            let key = argument(position.index);
            self.keys.iter().any(|wanted| wanted == key)
                || self.prefixes.iter().any(|prefix| key.starts_with(prefix))
                || self.patterns.iter().any(|pattern| glob_matches(pattern, key, false))
        })
    }
}
