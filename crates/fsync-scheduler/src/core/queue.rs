//! The two places where batches wait: the queue (not yet written) and the retained ones (not yet durable).

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::{Batch, Overload, Policy, Position, RequestId, Switch};

/// A request that takes effect at its place among the batches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Control {
    Policy(Policy),
    Overload(Overload),
    Switch { id: RequestId, kind: Switch, at: Position },
    Flush { id: RequestId },
    Close { clean: bool },
}

/// A batch on its way to stable storage.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) batch: Batch,
    pub(super) end: Position,
    pub(super) bytes: u64,
}

#[derive(Debug)]
enum Item {
    Batch(Pending),
    Control(Control),
}

/// What the front of the queue is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Front {
    Nothing,
    Batch,
    Control(Control),
}

/// Everything accepted and not yet carried out, in the order in which it came. While a switch is being carried out this
/// is the rewrite buffer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<Item>,
    controls: usize,
    bytes: u64,
    taken_bytes: u64,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Bytes of the batches in it.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that ever left it.
    pub(super) fn taken_bytes(&self) -> u64 {
        self.taken_bytes
    }

    pub(super) fn has_controls(&self) -> bool {
        self.controls > 0
    }

    pub(super) fn push_batch(&mut self, pending: Pending) {
        self.bytes += pending.bytes;
        self.items.push_back(Item::Batch(pending));
    }

    pub(super) fn push_control(&mut self, control: Control) {
        self.controls += 1;
        self.items.push_back(Item::Control(control));
    }

    /// Puts a request back that could not be carried out.
    pub(super) fn push_control_first(&mut self, control: Control) {
        self.controls += 1;
        self.items.push_front(Item::Control(control));
    }

    pub(super) fn front(&self) -> Front {
        match self.items.front() {
            None => Front::Nothing,
            Some(Item::Batch(_)) => Front::Batch,
            Some(Item::Control(control)) => Front::Control(*control),
        }
    }

    /// The batches at the front that go into one write: at most `bytes_max` bytes (but at least one batch) and at
    /// most `count_max` batches, up to the first request.
    pub(super) fn group(&self, bytes_max: u64, count_max: usize) -> impl Iterator<Item = &Pending> {
        let mut bytes = 0_u64;
        self.items
            .iter()
            .take(count_max)
            .map_while(|item| match item {
                Item::Batch(pending) => Some(pending),
                Item::Control(_) => None,
            })
            .take_while(move |pending| {
                let fits = bytes == 0 || bytes + pending.bytes <= bytes_max;
                bytes += pending.bytes;
                fits
            })
    }

    /// Takes the front, which must be a batch.
    pub(super) fn pop_batch(&mut self) -> Pending {
        match self.items.pop_front() {
            Some(Item::Batch(pending)) => {
                self.bytes -= pending.bytes;
                self.taken_bytes += pending.bytes;
                pending
            }
            other => unreachable!("invariant: the front of the queue is a batch, not {other:?}"),
        }
    }

    /// Takes the front, which must be a request.
    pub(super) fn pop_control(&mut self) {
        match self.items.pop_front() {
            Some(Item::Control(_)) => self.controls -= 1,
            other => unreachable!("invariant: the front of the queue is a request, not {other:?}"),
        }
    }

    /// The first request, and how many batches are before it.
    pub(super) fn first_control(&self) -> Option<(usize, Control)> {
        if self.controls == 0 {
            return None;
        }
        self.items.iter().enumerate().find_map(|(index, item)| match item {
            Item::Batch(_) => None,
            Item::Control(control) => Some((index, *control)),
        })
    }

    /// Takes the request at `index`, leaving the batches before it.
    pub(super) fn remove_control(&mut self, index: usize) {
        match self.items.remove(index) {
            Some(Item::Control(_)) => self.controls -= 1,
            other => unreachable!("invariant: a request is at {index}, not {other:?}"),
        }
    }
}

/// A batch that is written (or lost with its increment) and not durable.
#[derive(Debug)]
pub(super) struct Retained {
    pub(super) pending: Pending,
    pub(super) written_at: Duration,
}

/// Batches kept in memory until they are durable, so that they can be logged again elsewhere.
#[derive(Debug, Default)]
pub(super) struct RetainedBatches {
    batches: VecDeque<Retained>,
    bytes: u64,
}

impl RetainedBatches {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn front(&self) -> Option<&Retained> {
        self.batches.front()
    }

    pub(super) fn push(&mut self, pending: Pending, written_at: Duration) {
        if let Some(last) = self.batches.back() {
            assert!(last.pending.end < pending.end, "batches are retained in order");
        }
        self.bytes += pending.bytes;
        self.batches.push_back(Retained { pending, written_at });
    }

    /// Lets go of everything up to `durable`.
    pub(super) fn release(&mut self, durable: Position) {
        while self.batches.front().is_some_and(|first| first.pending.end <= durable) {
            if let Some(first) = self.batches.pop_front() {
                self.bytes -= first.pending.bytes;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.batches.clear();
        self.bytes = 0;
    }

    /// The end of the last one.
    pub(super) fn end(&self) -> Option<Position> {
        self.batches.back().map(|last| last.pending.end)
    }

    /// All batches, cut into groups of about `bytes_max` bytes, each with its end, as the start of a file.
    pub(super) fn groups(&self, bytes_max: u64) -> Vec<(Vec<Bytes>, Position)> {
        let mut groups: Vec<(Vec<Bytes>, Position)> = Vec::new();
        let mut group_bytes = u64::MAX;
        for Retained { pending, .. } in &self.batches {
            if group_bytes.saturating_add(pending.bytes) > bytes_max {
                groups.push((Vec::new(), pending.end));
                group_bytes = 0;
            }
            let is_first = groups.len() == 1;
            let (parts, end) = groups.last_mut().expect("invariant: a group was just pushed");
            if is_first && parts.is_empty() {
                parts.extend(pending.batch.preface().cloned());
            }
            parts.extend_from_slice(pending.batch.parts());
            *end = pending.end;
            group_bytes += pending.bytes;
        }
        groups
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn pending(end: u64, bytes: u64) -> Pending {
        let batch = Batch::One(Bytes::from(vec![0; bytes as usize]));
        Pending { batch, end: Position::new(end), bytes }
    }

    #[test]
    fn groups_stop_at_requests_and_limits() {
        let mut queue = Queue::default();
        queue.push_batch(pending(10, 10));
        queue.push_batch(pending(20, 10));
        queue.push_batch(pending(30, 10));
        queue.push_control(Control::Close { clean: true });
        queue.push_batch(pending(40, 10));
        assert_eq!(queue.group(20, usize::MAX).count(), 2);
        assert_eq!(queue.group(1, usize::MAX).count(), 1);
        assert_eq!(queue.group(1000, usize::MAX).count(), 3);
        assert_eq!(queue.group(1000, 1).count(), 1);
        assert_eq!(queue.first_control().map(|(index, _)| index), Some(3));
        queue.remove_control(3);
        assert!(!queue.has_controls());
        assert_eq!(queue.pop_batch().end, Position::new(10));
        assert_eq!((queue.bytes(), queue.taken_bytes()), (30, 10));
    }

    #[test]
    fn retained_batches_form_groups_and_are_released_in_order() {
        let mut retained = RetainedBatches::default();
        for end in [10, 20, 30] {
            retained.push(pending(end, 10), Duration::ZERO);
        }
        let groups = retained.groups(20);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].0.len(), groups[0].1), (2, Position::new(20)));
        assert_eq!((groups[1].0.len(), groups[1].1), (1, Position::new(30)));
        retained.release(Position::new(25));
        assert_eq!(retained.bytes(), 10);
        assert_eq!(retained.end(), Some(Position::new(30)));
        retained.release(Position::new(30));
        assert!(retained.front().is_none());
    }
}
