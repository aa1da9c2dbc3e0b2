//! Sets of members.

mod iterate;
mod packing;

pub use iterate::SetMembers;

use lastsave_listpack::{
    Intset, IntsetRef, Listpack, ListpackRef, ListpackValue, PackedSet, PackedSetRef, parse_integer,
};
use triomphe::Arc;

use crate::collection::{Collection, CollectionEncoding};
use crate::table::{Shape, Table};

/// Up to which sizes a set is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetLimits {
    /// `set-max-intset-entries`: most members of an intset.
    pub intset_entries_max: usize,
    /// `set-max-listpack-entries`: most members of a listpack.
    pub listpack_entries_max: usize,
    /// `set-max-listpack-value`: longest member of a listpack in bytes.
    pub listpack_value_bytes_max: usize,
}

impl Default for SetLimits {
    fn default() -> Self {
        Self { intset_entries_max: 512, listpack_entries_max: 128, listpack_value_bytes_max: 64 }
    }
}

/// A set.
#[derive(Debug, Clone)]
pub struct Set(Form);

#[derive(Debug, Clone)]
enum Form {
    Packed(PackedSet),
    Big(Arc<Table>),
}

/// A set of any form for reading.
enum View<'a> {
    Listpack(ListpackRef<'a>),
    Integers(IntsetRef<'a>),
    Big(&'a Table),
}

const _: () = assert!(size_of::<Set>() <= 16);

impl Set {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::from_listpack(Listpack::new())
    }

    /// An empty set in the form that suits `len` members, the first of which is `member`.
    #[must_use]
    pub fn with_expected(len: usize, member: &[u8], limits: &SetLimits) -> Self {
        if len <= limits.intset_entries_max && parse_integer(member).is_some() {
            Self::from_intset(Intset::new())
        } else if len <= limits.listpack_entries_max {
            Self::new()
        } else {
            Self::from_table(Table::new(Shape::Keys))
        }
    }

    /// A set of integers.
    #[must_use]
    pub fn from_intset(intset: Intset) -> Self {
        Self(Form::Packed(intset.into()))
    }

    /// A packed set that comes from elsewhere. Whether the members are different from each other is not checked: if they
    /// are not, they stay so as long as it is packed.
    #[must_use]
    pub fn from_listpack(listpack: Listpack) -> Self {
        Self(Form::Packed(listpack.into()))
    }

    fn from_table(table: Table) -> Self {
        Self(Form::Big(Arc::new(table)))
    }

    #[inline]
    fn view(&self) -> View<'_> {
        match &self.0 {
            Form::Packed(packed) => match packed.view() {
                PackedSetRef::Listpack(listpack) => View::Listpack(listpack),
                PackedSetRef::Intset(intset) => View::Integers(intset),
            },
            Form::Big(table) => View::Big(table),
        }
    }

    /// The listpack of a packed set.
    #[must_use]
    pub fn as_listpack(&self) -> Option<ListpackRef<'_>> {
        match self.view() {
            View::Listpack(listpack) => Some(listpack),
            View::Integers(_) | View::Big(_) => None,
        }
    }

    /// The intset of a set of integers that is stored as one.
    #[must_use]
    #[inline]
    pub fn as_intset(&self) -> Option<IntsetRef<'_>> {
        match self.view() {
            View::Integers(intset) => Some(intset),
            View::Listpack(_) | View::Big(_) => None,
        }
    }

    /// Number of members.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self.view() {
            View::Listpack(listpack) => listpack.len(),
            View::Integers(intset) => intset.len(),
            View::Big(table) => table.len(),
        }
    }

    /// Whether there are no members.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether something is a member.
    #[must_use]
    #[inline]
    pub fn contains(&self, member: &[u8]) -> bool {
        match self.view() {
            View::Listpack(listpack) => listpack.find(member, 0).is_some(),
            View::Integers(intset) => parse_integer(member).is_some_and(|member| intset.contains(member)),
            View::Big(table) => table.contains(member),
        }
    }

    /// The same for what another set has as a member.
    #[must_use]
    #[inline]
    pub fn contains_value(&self, member: ListpackValue<'_>) -> bool {
        match (self.as_intset(), member) {
            (Some(intset), ListpackValue::Integer(integer)) => intset.contains(integer),
            _ => self.contains(member.to_text(&mut itoa::Buffer::new())),
        }
    }

    /// Adds a member. Gives whether it is new.
    #[inline]
    pub fn insert(&mut self, member: &[u8], limits: &SetLimits) -> bool {
        let packed = match &mut self.0 {
            Form::Packed(packed) => packed,
            Form::Big(table) => return Arc::make_mut(table).insert(member, &[]),
        };
        match packed.view() {
            PackedSetRef::Listpack(listpack) => {
                if listpack.find(member, 0).is_some() {
                    return false;
                }
                if packing::takes(listpack, member, limits) {
                    packed.edit_listpack(|listpack| listpack.push_back(member));
                    return true;
                }
                self.make_big().insert(member, &[])
            }
            PackedSetRef::Intset(_) => {
                let Some(integer) = parse_integer(member) else {
                    self.add_text_to_integers(member, limits);
                    return true;
                };
                let (is_new, len) = packed.edit_intset(|intset| (intset.insert(integer), intset.len()));
                if is_new && len > packing::intset_entries_max(limits) {
                    self.make_big();
                }
                is_new
            }
        }
    }

    /// The same for what another set has as a member.
    #[inline]
    pub fn insert_value(&mut self, member: ListpackValue<'_>, limits: &SetLimits) -> bool {
        self.insert(member.to_text(&mut itoa::Buffer::new()), limits)
    }

    /// Removes a member. Gives whether it was one.
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Form::Packed(packed) => match packed.view() {
                PackedSetRef::Listpack(listpack) => {
                    let found = listpack.find(member, 0);
                    if let Some(position) = found {
                        packed.edit_listpack(|listpack| listpack.remove(position));
                    }
                    found.is_some()
                }
                PackedSetRef::Intset(_) => parse_integer(member)
                    .is_some_and(|member| packed.edit_intset(|intset| intset.remove(member))),
            },
            // What is not there is not worth a copy.
            Form::Big(table) => table.contains(member) && Arc::make_mut(table).remove(member),
        }
    }

    /// Removes the member at a position, which is below the length.
    pub fn remove_at(&mut self, index: usize) {
        match &mut self.0 {
            Form::Packed(packed) => match packed.view() {
                PackedSetRef::Listpack(_) => {
                    let removed = packed.edit_listpack(|listpack| listpack.remove_range(index as i64, 1));
                    assert_eq!(removed, 1, "the position is below the length");
                }
                PackedSetRef::Intset(intset) => {
                    let member = intset.get(index).expect("the position is below the length");
                    packed.edit_intset(|intset| intset.remove(member));
                }
            },
            Form::Big(table) => Arc::make_mut(table).remove_at(index),
        }
    }

    /// The member at a position, which is below the length. Positions hold until the next change.
    #[must_use]
    pub fn at(&self, index: usize) -> ListpackValue<'_> {
        match self.view() {
            View::Listpack(listpack) => {
                listpack.get_index(index as i64).expect("the position is below the length")
            }
            View::Integers(intset) => {
                ListpackValue::Integer(intset.get(index).expect("the position is below the length"))
            }
            View::Big(table) => ListpackValue::Bytes(table.element_at(index).key),
        }
    }

    /// All members, in the order of their positions.
    #[must_use]
    pub fn iter(&self) -> SetMembers<'_> {
        match self.view() {
            View::Listpack(listpack) => SetMembers::packed(listpack),
            View::Integers(intset) => SetMembers::integers(intset),
            View::Big(table) => SetMembers::big(table.iter()),
        }
    }

    /// Visits some members, at least `count` if there are that many, and gives where to go on; 0 at the end. Who goes on
    /// until then sees every member that is there all the time.
    pub fn scan<'s>(&'s self, cursor: u64, count: usize, mut visit: impl FnMut(ListpackValue<'s>)) -> u64 {
        if let Form::Big(table) = &self.0 {
            return table.scan(cursor, count, |element| visit(ListpackValue::Bytes(element.key)));
        }
        self.iter().for_each(visit);
        0
    }

    /// Unpacks it if that is better for a set that gets `members` more.
    pub fn expect_more(&mut self, members: usize, limits: &SetLimits) {
        let members_max = match self.view() {
            View::Listpack(_) => limits.listpack_entries_max,
            View::Integers(_) => limits.intset_entries_max,
            View::Big(_) => return,
        };
        if members > members_max {
            self.make_big();
        }
    }

    /// Unpacks it if it has more members than a set in its form should have.
    pub fn fit(&mut self, limits: &SetLimits) {
        self.expect_more(self.len(), limits);
    }

    /// Stores a set, all members of which are integers, as an intset unless it is too big for one.
    pub fn make_integers(&mut self, limits: &SetLimits) {
        if self.as_intset().is_none() && self.len() <= packing::intset_entries_max(limits) {
            let members = self.iter().map(|member| member.parse_integer().expect("all are integers"));
            let intset = Intset::from_members(members.collect());
            *self = Self::from_intset(intset);
        }
    }

    /// Adds a member that is no integer to a set that is stored as an intset.
    fn add_text_to_integers(&mut self, member: &[u8], limits: &SetLimits) {
        let packed = self.as_intset().and_then(|intset| packing::listpack_with(intset, member, limits));
        match packed {
            Some(listpack) => *self = Self::from_listpack(listpack),
            None => {
                self.make_big().insert(member, &[]);
            }
        }
    }

    fn make_big(&mut self) -> &mut Table {
        if let Form::Packed(_) = &self.0 {
            let mut table = Table::new(Shape::Keys);
            let mut text = itoa::Buffer::new();
            for member in self.iter() {
                table.insert(member.to_text(&mut text), &[]);
            }
            *self = Self::from_table(table);
        }
        match &mut self.0 {
            Form::Big(table) => Arc::make_mut(table),
            Form::Packed(_) => unreachable!("it was unpacked above"),
        }
    }
}

impl Default for Set {
    fn default() -> Self {
        Self::new()
    }
}

impl<'s> IntoIterator for &'s Set {
    type Item = ListpackValue<'s>;
    type IntoIter = SetMembers<'s>;

    fn into_iter(self) -> SetMembers<'s> {
        self.iter()
    }
}

impl Collection for Set {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(packed) => packed.byte_len(),
            Form::Big(table) => size_of::<Table>() + table.heap_bytes(),
        }
    }

    fn take_copied_bytes(&mut self) -> usize {
        match &mut self.0 {
            Form::Packed(_) => 0,
            // Bytes were copied only by who is the only owner now.
            Form::Big(table) => Arc::get_mut(table).map_or(0, Table::take_copied_bytes),
        }
    }

    fn encoding(&self) -> CollectionEncoding {
        match self.view() {
            View::Listpack(_) => CollectionEncoding::Listpack,
            View::Integers(_) => CollectionEncoding::Intset,
            View::Big(_) => CollectionEncoding::Hashtable,
        }
    }
}

#[cfg(test)]
mod tests;
