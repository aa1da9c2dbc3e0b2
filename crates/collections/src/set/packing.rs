//! When a set is packed, and how a set of integers becomes a listpack.

use lastsave_listpack::{IntsetRef, LISTPACK_BYTES_MAX, Listpack, ListpackBuilder, ListpackRef};

use super::SetLimits;

/// Most members of an intset whatever the limits say: its header has a 32-bit count.
const INTSET_ENTRIES_MAX: usize = 1 << 30;

/// Most bytes that an integer of an intset takes in a listpack.
const INTEGER_BYTES_MAX: usize = 11;

/// Most members of an intset.
pub(super) fn intset_entries_max(limits: &SetLimits) -> usize {
    limits.intset_entries_max.min(INTSET_ENTRIES_MAX)
}

/// Whether a packed set stays one with one more member.
#[inline]
pub(super) fn takes(listpack: ListpackRef<'_>, member: &[u8], limits: &SetLimits) -> bool {
    listpack.len() < limits.listpack_entries_max
        && member.len() <= limits.listpack_value_bytes_max
        && listpack.fits(member.len())
}

/// The members of an intset and another one as a listpack, unless that would be too big.
pub(super) fn listpack_with(intset: IntsetRef<'_>, member: &[u8], limits: &SetLimits) -> Option<Listpack> {
    let text_len =
        |integer: Option<i64>| integer.map_or(0, |integer| itoa::Buffer::new().format(integer).len());
    let longest = text_len(intset.min()).max(text_len(intset.max())).max(member.len());
    let bytes_max = intset.len().saturating_mul(INTEGER_BYTES_MAX).saturating_add(member.len());
    let is_small = intset.len() < limits.listpack_entries_max
        && longest <= limits.listpack_value_bytes_max
        && bytes_max <= LISTPACK_BYTES_MAX;
    is_small.then(|| {
        let mut builder = ListpackBuilder::with_capacity(bytes_max);
        intset.iter().for_each(|integer| builder.push_integer(integer));
        builder.push(member);
        builder.finish()
    })
}
