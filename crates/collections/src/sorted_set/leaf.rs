//! A leaf of the trees that sorted sets consist of: members in the order of some rank, and of their bytes where it is equal.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

use crate::table::hash;
use crate::tree::{Leaf, Place};

/// Most elements of a leaf: one less than the bits of `long_mask`, so that there is room for the one that divides it.
const ELEMENTS_MAX: usize = 63;
/// Bytes of elements above which a leaf is divided all the same.
const BYTES_MAX: usize = 2048;
/// Elements below which a leaf is united with a neighbour.
const ELEMENTS_MIN: usize = 16;
/// What an allocation behind an `Arc` has besides its contents.
const ARC_BYTES: usize = 16;

/// Longest member that lies in the leaf itself. What is longer has an allocation of its own, which the leaf shares with
/// the other tree and with copies of the leaf.
const SHORT_MEMBER_BYTES_MAX: usize = 40;

/// What the members of a leaf are ordered by first.
pub(super) trait Rank: Copy + Debug + Send + Sync {
    /// Not above any other.
    const LOWEST: Self;
    /// Whether leaves of this kind count the allocations of long members as theirs. One of the two trees does.
    const COUNTS_LONG_MEMBERS: bool;

    fn compare(&self, other: &Self) -> Ordering;
}

/// Where an element is in the order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot<'a, R> {
    pub(super) rank: R,
    pub(super) member: &'a [u8],
}

impl<R: Rank> Spot<'_, R> {
    #[inline]
    pub(super) fn compare(&self, other: &Spot<'_, R>) -> Ordering {
        self.rank.compare(&other.rank).then_with(|| self.member.cmp(other.member))
    }
}

/// A member on its way into a leaf.
#[derive(Debug, Clone)]
pub(super) enum NewMember<'a> {
    Short(&'a [u8]),
    Long(Arc<[u8]>),
}

impl<'a> NewMember<'a> {
    /// The member as leaves keep it.
    pub(super) fn of(member: &'a [u8]) -> Self {
        if member.len() <= SHORT_MEMBER_BYTES_MAX {
            Self::Short(member)
        } else {
            Self::Long(Arc::from(member))
        }
    }
}

/// The first element of a leaf when it was divided off.
#[derive(Debug, Clone)]
pub(super) struct OrderedKey<R> {
    rank: R,
    member: Arc<[u8]>,
}

impl<R: Rank> OrderedKey<R> {
    #[inline]
    pub(super) fn spot(&self) -> Spot<'_, R> {
        Spot { rank: self.rank, member: &self.member }
    }

    /// Whether what is looked for at `spot` does not lie before the leaf of this key.
    #[inline]
    pub(super) fn is_at_or_below(&self, spot: &Spot<'_, R>) -> bool {
        self.spot().compare(spot) != Ordering::Greater
    }
}

/// A bounded run of elements in order.
#[derive(Debug, Clone)]
pub(super) struct OrderedLeaf<R> {
    ranks: Vec<R>,
    /// Where each member ends in `bytes`. Long members take no room there.
    ends: Vec<u16>,
    bytes: Vec<u8>,
    /// The long members in order.
    long: Vec<Arc<[u8]>>,
    /// A bit for each element: whether its member is long.
    long_mask: u64,
}

impl<R: Rank> OrderedLeaf<R> {
    pub(super) fn new() -> Self {
        Self { ranks: Vec::new(), ends: Vec::new(), bytes: Vec::new(), long: Vec::new(), long_mask: 0 }
    }

    /// What the element at `index` is ordered by.
    #[inline]
    pub(super) fn rank(&self, index: usize) -> R {
        self.ranks[index]
    }

    /// The same for changing it, by which its order must not change.
    pub(super) fn rank_mut(&mut self, index: usize) -> &mut R {
        &mut self.ranks[index]
    }

    /// The member of the element at `index`.
    #[inline]
    pub(super) fn member(&self, index: usize) -> &[u8] {
        match self.long_member(index) {
            Some(member) => member,
            None => &self.bytes[self.start(index)..usize::from(self.ends[index])],
        }
    }

    /// The allocation of the member at `index`, if it has one.
    #[inline]
    pub(super) fn long_member(&self, index: usize) -> Option<&Arc<[u8]>> {
        if self.long_mask == 0 {
            return None;
        }
        (self.long_mask >> index & 1 == 1).then(|| &self.long[self.long_before(index)])
    }

    /// Where the member at `index` starts in `bytes`; for the number of elements, where the next one would.
    #[inline]
    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| usize::from(self.ends[before]))
    }

    /// Number of long members before `index`, which is at most the number of elements.
    fn long_before(&self, index: usize) -> usize {
        (self.long_mask & mask_below(index)).count_ones() as usize
    }

    /// Where the element at `index` is in the order.
    #[inline]
    fn spot(&self, index: usize) -> Spot<'_, R> {
        Spot { rank: self.ranks[index], member: self.member(index) }
    }

    /// Number of elements at the beginning for which `is_before` holds.
    #[inline]
    pub(super) fn partition_point(&self, is_before: impl Fn(&Spot<'_, R>) -> bool) -> usize {
        let (mut low, mut high) = (0, self.ranks.len());
        while low < high {
            let middle = low.midpoint(high);
            if is_before(&self.spot(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Where an element is, or where it would have to be.
    #[inline]
    pub(super) fn search(&self, spot: &Spot<'_, R>) -> Result<usize, usize> {
        let at = self.partition_point(|other| other.compare(spot) == Ordering::Less);
        let is_found = at < self.ranks.len() && self.spot(at).compare(spot) == Ordering::Equal;
        if is_found { Ok(at) } else { Err(at) }
    }

    /// Puts an element before the one at `at`.
    pub(super) fn insert(&mut self, at: usize, rank: R, member: NewMember<'_>) {
        let start = self.start(at);
        let mask = self.long_mask;
        let above = (mask & !mask_below(at)) << 1;
        self.long_mask = (mask & mask_below(at)) | above;
        let len = match member {
            NewMember::Short(bytes) => {
                insert_bytes(&mut self.bytes, start, bytes);
                bytes.len()
            }
            NewMember::Long(member) => {
                let before = self.long_before(at);
                grow(&mut self.long, 1);
                self.long.insert(before, member);
                self.long_mask |= 1 << at;
                0
            }
        };
        grow(&mut self.ranks, 1);
        self.ranks.insert(at, rank);
        grow(&mut self.ends, 1);
        self.ends.insert(at, start as u16);
        for end in &mut self.ends[at..] {
            *end += len as u16;
        }
    }

    /// Removes `count` elements from `at` on.
    pub(super) fn remove_range(&mut self, at: usize, count: usize) {
        let (start, end) = (self.start(at), self.start(at + count));
        self.long.drain(self.long_before(at)..self.long_before(at + count));
        let above = self.long_mask & !mask_below(at + count);
        self.long_mask = (self.long_mask & mask_below(at)) | above.checked_shr(count as u32).unwrap_or(0);
        self.bytes.drain(start..end);
        self.ranks.drain(at..at + count);
        self.ends.drain(at..at + count);
        for later in &mut self.ends[at..] {
            *later -= (end - start) as u16;
        }
    }

    /// Removes up to `count` elements from `at` on, after telling their members. Gives how many there were.
    pub(super) fn take_range(&mut self, at: usize, count: usize, mut taken: impl FnMut(&[u8])) -> usize {
        let count = count.min(self.ranks.len() - at);
        for index in at..at + count {
            taken(self.member(index));
        }
        self.remove_range(at, count);
        count
    }

    fn long_bytes(&self) -> usize {
        self.long.iter().map(|member| ARC_BYTES + member.len()).sum()
    }

    fn element_bytes(&self) -> usize {
        self.bytes.len()
            + self.ranks.len() * (size_of::<R>() + size_of::<u16>())
            + self.long.len() * size_of::<Arc<[u8]>>()
    }

    fn append_from(&mut self, other: &Self, from: usize) {
        let len = self.ranks.len();
        let (offset, start) = (self.bytes.len(), other.start(from));
        let added = other.ranks.len() - from;
        grow(&mut self.ranks, added);
        self.ranks.extend_from_slice(&other.ranks[from..]);
        grow(&mut self.ends, added);
        self.ends.extend(other.ends[from..].iter().map(|end| (usize::from(*end) - start + offset) as u16));
        grow(&mut self.bytes, other.bytes.len() - start);
        self.bytes.extend_from_slice(&other.bytes[start..]);
        let long_from = other.long_before(from);
        grow(&mut self.long, other.long.len() - long_from);
        self.long.extend_from_slice(&other.long[long_from..]);
        self.long_mask |= other.long_mask.checked_shr(from as u32).unwrap_or(0) << len;
    }

    /// Where to divide a leaf: near the middle, but not in the same place in all leaves. They would otherwise become full
    /// at the same time again and again where elements come evenly, and whole generations of allocations with them.
    fn division(&self) -> usize {
        let len = self.ranks.len();
        let spread = (len / 4).max(1);
        (len - spread) / 2 + hash(self.member(len / 2)) as usize % spread
    }

    fn release_room(&mut self) {
        release(&mut self.ranks);
        release(&mut self.ends);
        release(&mut self.bytes);
        release(&mut self.long);
    }
}

impl<R: Rank> Leaf for OrderedLeaf<R> {
    type Key = OrderedKey<R>;
    type Limits = ();

    fn len(&self) -> usize {
        self.ranks.len()
    }

    fn heap_bytes(&self) -> usize {
        self.ranks.capacity() * size_of::<R>()
            + self.ends.capacity() * size_of::<u16>()
            + self.bytes.capacity()
            + self.long.capacity() * size_of::<Arc<[u8]>>()
            + if R::COUNTS_LONG_MEMBERS { self.long_bytes() } else { 0 }
    }

    fn lower_bound(&self) -> OrderedKey<R> {
        match self.ranks.first() {
            None => OrderedKey { rank: R::LOWEST, member: Arc::default() },
            Some(rank) => {
                let member = self.long_member(0).map_or_else(|| Arc::from(self.member(0)), Arc::clone);
                OrderedKey { rank: *rank, member }
            }
        }
    }

    fn is_over(&self, _limits: &()) -> bool {
        self.ranks.len() > ELEMENTS_MAX || self.element_bytes() > BYTES_MAX
    }

    fn is_under(&self, _limits: &()) -> bool {
        self.ranks.len() < ELEMENTS_MIN
    }

    fn split(&mut self, place: Place, _limits: &()) -> Option<Self> {
        let len = self.ranks.len();
        if len < 2 {
            return None;
        }
        let at = match place {
            Place::Last => len - 1,
            Place::First => 1,
            Place::Only | Place::Middle => self.division(),
        };
        let mut upper = Self::new();
        upper.append_from(self, at);
        self.remove_range(at, len - at);
        self.release_room();
        Some(upper)
    }

    fn can_absorb(&self, next: &Self, _limits: &()) -> bool {
        self.ranks.len() + next.ranks.len() <= ELEMENTS_MAX * 3 / 4
            && self.element_bytes() + next.element_bytes() <= BYTES_MAX * 3 / 4
    }

    fn absorb(&mut self, next: &Self) {
        self.append_from(next, 0);
    }
}

/// The lowest `count` bits.
fn mask_below(count: usize) -> u64 {
    1_u64.checked_shl(count as u32).map_or(u64::MAX, |bit| bit - 1)
}

fn insert_bytes(bytes: &mut Vec<u8>, at: usize, inserted: &[u8]) {
    let len = bytes.len();
    grow(bytes, inserted.len());
    bytes.extend_from_slice(inserted);
    if at < len {
        bytes.copy_within(at..len, at + inserted.len());
        bytes[at..at + inserted.len()].copy_from_slice(inserted);
    }
}

/// Fewest places that a list has.
const ROOM_MIN: usize = 4;

/// Places of a list with `len` elements: few are unused, and allocators give sizes in the same steps, four from one power of
/// two to the next.
fn capacity_for(len: usize) -> usize {
    let power = len.next_power_of_two();
    len.next_multiple_of((power / 8).max(ROOM_MIN))
}

/// Makes room for more elements.
fn grow<T>(list: &mut Vec<T>, added: usize) {
    let len = list.len() + added;
    if list.capacity() < len {
        list.reserve_exact(capacity_for(len) - list.len());
    }
}

/// Gives up what is not needed for the next elements.
fn release<T>(list: &mut Vec<T>) {
    list.shrink_to(capacity_for(list.len() + 1));
}
