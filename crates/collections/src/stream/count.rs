//! How many entries a group has read, and how many it has still to read.
//!
//! A group counts what it reads. Deleted entries spoil the count: it is known only where no entry after the position in
//! question can have been deleted other than by trimming.

use super::Stream;
use super::group::Group;
use super::id::StreamId;

impl Stream {
    /// Whether an entry from `start` on may have been deleted other than by trimming.
    #[must_use]
    pub fn has_deleted_from(&self, start: StreamId) -> bool {
        let max_deleted = self.max_deleted_id();
        self.length() > 0
            && max_deleted != StreamId::MIN
            && self.first_id() <= max_deleted
            && start <= max_deleted
    }

    /// How many of all entries that were ever added come up to `id`; nothing when that cannot be known.
    #[must_use]
    pub fn entries_up_to(&self, id: StreamId) -> Option<u64> {
        let added = self.entries_added();
        if added == 0 {
            return Some(0);
        }
        if id == self.last_id() || (self.length() == 0 && id < self.last_id()) {
            return Some(added);
        }
        let max_deleted = self.max_deleted_id();
        let is_fragmented = max_deleted != StreamId::MIN && max_deleted >= self.first_id();
        if id > self.last_id() || is_fragmented {
            return None;
        }
        let before_first = added.wrapping_sub(self.length());
        match id.cmp(&self.first_id()) {
            std::cmp::Ordering::Less => Some(before_first),
            std::cmp::Ordering::Equal => Some(before_first.wrapping_add(1)),
            std::cmp::Ordering::Greater => None,
        }
    }

    /// How many entries a group has still to read; nothing when that cannot be known. Negative when the counts that were
    /// set contradict each other.
    #[must_use]
    pub fn lag(&self, group: &Group) -> Option<i64> {
        let added = self.entries_added();
        if added == 0 {
            return Some(0);
        }
        let read = match group.entries_read() {
            Some(read) if !self.has_deleted_from(group.last_id()) => read,
            _ => self.entries_up_to(group.last_id())?,
        };
        Some(added.wrapping_sub(read) as i64)
    }

    /// What a group, of which `last_id` and `entries_read` are known, has read once the entry `id` was delivered to it.
    #[must_use]
    pub fn entries_read_after(&self, entries_read: Option<u64>, id: StreamId) -> Option<u64> {
        match entries_read {
            Some(read) if !self.has_deleted_from(id) => Some(read.wrapping_add(1)),
            // Without any entry ever added the count stays what it was; but then there is none to deliver.
            _ => self.entries_up_to(id),
        }
    }
}
