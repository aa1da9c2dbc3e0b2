//! Which acknowledged units a power cut must leave, by the policies that were in force.

use std::time::Duration;

use super::Moment;

/// What a busy machine may take to give a thread its turn; no promise can be without it.
const SCHEDULING: Duration = Duration::from_millis(500);

/// The policies of one life of a server.
pub(crate) struct Promises {
    /// From when until when it was `always`, in nanoseconds. The last one may still be going on.
    always: Vec<(u64, u64)>,
    /// Since when it was at least `everysec`; never again less.
    everysec_from_ns: u64,
}

impl Promises {
    /// A server that starts with this `appendfsync`.
    pub(crate) fn of(policy: &str) -> Self {
        Self {
            always: if policy == "always" { vec![(0, u64::MAX)] } else { Vec::new() },
            everysec_from_ns: if policy == "no" { u64::MAX } else { 0 },
        }
    }

    /// A command was executed between these moments; if it was one that changes the policy, that counts.
    pub(crate) fn note(&mut self, command: &str, sent_ns: u64, answered_ns: u64) {
        let Some(policy) = command.strip_prefix("CONFIG SET appendfsync ") else { return };
        self.everysec_from_ns = self.everysec_from_ns.min(answered_ns);
        if policy == "always" {
            self.always.push((answered_ns, u64::MAX));
        } else if let Some((_, until_ns)) = self.always.last_mut() {
            *until_ns = sent_ns.min(*until_ns);
        }
    }

    /// Whether a unit must be found when the power went off at `cut_ns`, after syncs that took `longest_sync_ns` at
    /// most.
    pub(crate) fn hold(&self, unit: &Moment, cut_ns: u64, longest_sync_ns: u64) -> bool {
        let Some(acknowledged_ns) = unit.acknowledged_ns.filter(|at_ns| *at_ns < cut_ns) else {
            return false;
        };
        let second_ns = 1_000_000_000;
        let bound_ns = longest_sync_ns.max(second_ns) + longest_sync_ns + SCHEDULING.as_nanos() as u64;
        let is_always =
            |(from_ns, until_ns): &(u64, u64)| unit.sent_ns >= *from_ns && acknowledged_ns <= *until_ns;
        self.always.iter().any(is_always)
            || (unit.sent_ns >= self.everysec_from_ns && acknowledged_ns + bound_ns < cut_ns)
    }
}
