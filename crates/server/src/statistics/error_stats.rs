//! Error replies counted by their code (the first word).

use std::collections::BTreeMap;

/// Codes counted at most; scripts and clients can make up any number of them.
const CODES_MAX: usize = 128;

/// Counts per error code, in alphabetical order.
#[derive(Debug, Default)]
pub(crate) struct ErrorStats {
    counts: BTreeMap<String, u64>,
}

impl ErrorStats {
    /// Counts one error reply.
    pub(crate) fn count(&mut self, code: &str) {
        if let Some(count) = self.counts.get_mut(code) {
            *count += 1;
        } else if self.counts.len() < CODES_MAX {
            self.counts.insert(code.to_owned(), 1);
        }
    }

    /// All codes with their counts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.counts.iter().map(|(code, count)| (code.as_str(), *count))
    }
}
