//! Holds replies back until the log has what they depend on.
//!
//! A reply may leave when the log has released the position it depends on: its own write, or writes of others
//! that it reveals. Replies of one client leave in order, so the gate is a queue of (end of reply in the client's
//! output stream, position); neighbours that will be released together are merged.

use std::collections::VecDeque;

use crate::durability::{Durability, Released};

/// The held replies of one client.
#[derive(Debug, Default)]
pub(crate) struct ReplyGate {
    held: VecDeque<Held>,
    /// Stream offset up to which output was let through by now.
    open_until: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    /// Stream offset up to which this entry speaks.
    produced: u64,
    /// Log position that must be released first.
    position: u64,
    /// What counts as released.
    durability: Durability,
}

impl ReplyGate {
    /// Notes that the output up to `produced` depends on `position`. Positions beyond `handed_over` are still
    /// being collected by the executor and will be released in one piece.
    pub(crate) fn hold(
        &mut self,
        produced: u64,
        position: u64,
        durability: Durability,
        released: &Released,
        handed_over: u64,
    ) {
        if let Some(last) = self.held.back_mut() {
            if last.durability == durability && (position <= last.position || last.position > handed_over) {
                last.produced = produced;
                last.position = last.position.max(position);
                return;
            }
        } else if position <= released.for_durability(durability) {
            self.open_until = produced;
            return;
        }
        self.held.push_back(Held { produced, position, durability });
    }

    /// Up to which stream offset output may leave, given everything `produced` and what is `released`.
    pub(crate) fn limit(&mut self, produced: u64, released: &Released) -> u64 {
        while let Some(first) = self.held.front() {
            if first.position > released.for_durability(first.durability) {
                return self.open_until;
            }
            self.open_until = first.produced;
            self.held.pop_front();
        }
        self.open_until = produced;
        produced
    }

    /// The output beyond `produced` was taken back before it was sent.
    pub(crate) fn retract(&mut self, produced: u64) {
        for held in self.held.iter_mut().rev() {
            if held.produced <= produced {
                return;
            }
            held.produced = produced;
        }
    }

    /// The position the oldest held reply waits for, and what it wants of it.
    pub(crate) fn waits_for(&self) -> Option<(Durability, u64)> {
        self.held.front().map(|first| (first.durability, first.position))
    }

    /// Whether a held reply waits for a sync beyond what is `durable`.
    pub(crate) fn waits_for_sync(&self, durable: u64) -> bool {
        self.held.iter().any(|held| held.durability == Durability::Always && held.position > durable)
    }

    /// Whether nothing is held.
    pub(crate) fn is_open(&self) -> bool {
        self.held.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn released(position: u64) -> Released {
        Released { by_policy: position, by_second: position, by_sync: position }
    }

    fn hold(gate: &mut ReplyGate, produced: u64, position: u64, until: u64, handed_over: u64) {
        gate.hold(produced, position, Durability::Default, &released(until), handed_over);
    }

    #[test]
    fn replies_leave_in_order_and_not_before_their_position() {
        let mut gate = ReplyGate::default();
        hold(&mut gate, 10, 100, 0, 1000);
        hold(&mut gate, 20, 200, 0, 1000);
        hold(&mut gate, 30, 0, 0, 1000);
        assert_eq!(gate.limit(30, &released(99)), 0);
        assert_eq!(gate.limit(30, &released(100)), 10);
        assert_eq!(gate.limit(30, &released(150)), 10);
        assert_eq!(gate.waits_for(), Some((Durability::Default, 200)));
        assert_eq!(gate.limit(30, &released(200)), 30);
        assert!(gate.is_open());
    }

    #[test]
    fn replies_of_released_data_leave_at_once() {
        let mut gate = ReplyGate::default();
        hold(&mut gate, 10, 50, 50, 50);
        assert!(gate.is_open());
        assert_eq!(gate.limit(10, &released(50)), 10);
    }

    #[test]
    fn a_reply_taken_back_does_not_let_the_next_one_pass() {
        let mut gate = ReplyGate::default();
        hold(&mut gate, 5, 10, 0, 100);
        gate.retract(0);
        hold(&mut gate, 3, 20, 0, 100);
        assert_eq!(gate.limit(3, &released(10)), 0);
        assert_eq!(gate.limit(3, &released(20)), 3);
    }

    #[test]
    fn an_open_reply_does_not_wait_for_the_held_one_behind_it() {
        let mut gate = ReplyGate::default();
        hold(&mut gate, 10, 50, 50, 50);
        hold(&mut gate, 20, 60, 50, 50);
        assert_eq!(gate.limit(20, &released(50)), 10);
    }

    #[test]
    fn positions_of_the_batch_being_collected_are_merged() {
        let mut gate = ReplyGate::default();
        for reply in 1..=1000 {
            hold(&mut gate, reply, 100 + reply, 0, 100);
        }
        assert_eq!(gate.held.len(), 1);
        assert_eq!(gate.limit(1000, &released(1099)), 0);
        assert_eq!(gate.limit(1000, &released(1100)), 1000);
    }

    #[test]
    fn each_reply_waits_for_what_its_client_wanted_then() {
        let mut gate = ReplyGate::default();
        let written = Released { by_policy: 100, by_second: 100, by_sync: 0 };
        gate.hold(10, 50, Durability::Always, &written, 100);
        gate.hold(20, 60, Durability::Default, &written, 100);
        assert!(gate.waits_for_sync(49) && !gate.waits_for_sync(50));
        assert_eq!(gate.limit(20, &written), 0);
        assert_eq!(gate.limit(20, &Released { by_sync: 49, ..written }), 0);
        assert_eq!(gate.limit(20, &Released { by_sync: 50, ..written }), 20);
    }
}
