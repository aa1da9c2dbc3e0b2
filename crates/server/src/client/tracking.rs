//! How a client wants to hear of changes to what it caches (CLIENT TRACKING).

use std::collections::BTreeSet;

use bytes::Bytes;

/// The options of CLIENT TRACKING, and what came of them.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent options of a command")]
pub(crate) struct Tracking {
    /// The client that is told instead.
    pub(crate) redirect: Option<u64>,
    /// The redirection leads to a client that is gone.
    pub(crate) is_redirect_broken: bool,
    /// BCAST: by prefix.
    pub(crate) is_broadcast: bool,
    /// OPTIN: only what follows CLIENT CACHING YES.
    pub(crate) opt_in: bool,
    /// OPTOUT: all but what follows CLIENT CACHING NO.
    pub(crate) opt_out: bool,
    /// NOLOOP: not what the client changes itself.
    pub(crate) no_loop: bool,
    /// CLIENT CACHING was called: it is about the next command.
    pub(crate) caching: bool,
    /// The prefixes with BCAST.
    pub(crate) prefixes: BTreeSet<Bytes>,
}

impl Tracking {
    /// Approximate bytes held.
    pub(crate) fn memory_bytes(&self) -> usize {
        /// A prefix's share of the tree around it.
        const NODE_BYTES: usize = size_of::<Bytes>() * 2;
        size_of::<Self>() + self.prefixes.iter().map(|prefix| prefix.len() + NODE_BYTES).sum::<usize>()
    }

    /// Whether keys read now are to be remembered.
    pub(crate) fn remembers(&self) -> bool {
        let is_in = !self.opt_in || self.caching;
        let is_out = self.opt_out && self.caching;
        !self.is_broadcast && is_in && !is_out
    }
}

#[cfg(test)]
mod tests {
    use super::Tracking;

    #[test]
    fn caching_turns_the_default_around() {
        let optional = |opt_in, opt_out, caching| {
            Tracking { opt_in, opt_out, caching, ..Tracking::default() }.remembers()
        };
        assert!(optional(false, false, false));
        assert!(!optional(true, false, false) && optional(true, false, true));
        assert!(optional(false, true, false) && !optional(false, true, true));
        assert!(!Tracking { is_broadcast: true, ..Tracking::default() }.remembers());
    }
}
