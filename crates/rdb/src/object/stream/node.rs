//! The check of a node: the master entry and every entry behind it.

use lastsave_listpack::{Iter, ListpackRef};

use super::{EntryId, NodeFault};

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// What a good node has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeContent {
    /// Entries that are not deleted.
    pub(super) live: u64,
    /// The id of the first entry that is not deleted.
    pub(super) first_live_id: Option<EntryId>,
    /// The greatest id, be its entry deleted or not.
    pub(super) last_id: EntryId,
}

/// The elements of a node, one after the other.
struct Elements<'a> {
    values: Iter<'a>,
    /// Elements taken so far.
    taken: u64,
}

impl Elements<'_> {
    fn number(&mut self, what: &'static str) -> Result<i64, NodeFault> {
        let element = self.taken;
        let value = self.values.next().ok_or(NodeFault::Ends { what, element })?;
        self.taken += 1;
        value.parse_integer().ok_or(NodeFault::NotANumber { what, element })
    }

    /// A number of elements or entries.
    fn count(&mut self, what: &'static str) -> Result<u64, NodeFault> {
        let element = self.taken;
        let got = self.number(what)?;
        u64::try_from(got).map_err(|_| NodeFault::OutOfRange { what, element, got })
    }

    fn expect(&mut self, what: &'static str, expected: u64) -> Result<(), NodeFault> {
        let element = self.taken;
        let got = self.number(what)?;
        if u64::try_from(got) == Ok(expected) {
            return Ok(());
        }
        Err(NodeFault::WrongNumber { what, element, expected, got })
    }

    /// Passes over elements; a declared number costs no more than there are.
    fn skip(&mut self, count: u64, what: &'static str) -> Result<(), NodeFault> {
        for _ in 0..count {
            self.values.next().ok_or(NodeFault::Ends { what, element: self.taken })?;
            self.taken += 1;
        }
        Ok(())
    }
}

/// Checks a node.
pub(super) fn check(node: EntryId, listpack: ListpackRef<'_>) -> Result<NodeContent, NodeFault> {
    if listpack.is_empty() {
        return Err(NodeFault::Empty);
    }
    let mut elements = Elements { values: listpack.iter(), taken: 0 };
    let live = elements.count("number of entries")?;
    let deleted = elements.count("number of deleted entries")?;
    let field_count = elements.count("number of fields")?;
    elements.skip(field_count, "field")?;
    elements.expect("end of the master entry", 0)?;
    let (mut seen_live, mut seen_deleted) = (0_u64, 0_u64);
    let mut first_live_id = None;
    let mut previous = None;
    while seen_live + seen_deleted < live.saturating_add(deleted) {
        let start = elements.taken;
        let flags = elements.number("flags")?;
        let ms = node.ms.wrapping_add(elements.number("time")? as u64);
        let seq = node.seq.wrapping_add(elements.number("sequence number")? as u64);
        let id = EntryId { ms, seq };
        if previous.is_some_and(|previous| id <= previous) || id < node {
            return Err(NodeFault::IdOrder { previous: previous.unwrap_or(node), element: start, got: id });
        }
        previous = Some(id);
        if flags & SAME_FIELDS != 0 {
            elements.skip(field_count, "value")?;
        } else {
            let fields = elements.count("number of fields")?;
            elements.skip(fields, "field or value")?;
            elements.skip(fields, "field or value")?;
        }
        let size = elements.taken - start;
        elements.expect("size of the entry", size)?;
        if flags & DELETED != 0 {
            seen_deleted += 1;
        } else {
            seen_live += 1;
            first_live_id = first_live_id.or(previous);
        }
    }
    if seen_live != live {
        return Err(NodeFault::WrongNumber {
            what: "number of entries",
            element: 0,
            expected: seen_live,
            got: live as i64,
        });
    }
    match elements.values.count() {
        0 => Ok(NodeContent { live, first_live_id, last_id: previous.unwrap_or(node) }),
        behind => Err(NodeFault::Behind { elements: behind as u64 }),
    }
}
