//! Sets of members.

mod iterate;
mod packing;

pub use iterate::SetMembers;

use std::sync::Arc;

use lastsave_listpack::{Intset, Listpack, ListpackRef, ListpackValue, parse_integer};

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

/// Two of the three forms share a variant, because only then a set takes 16 bytes.
#[derive(Debug, Clone)]
enum Form {
    Packed(Listpack),
    Other(Arc<Other>),
}

#[derive(Debug, Clone)]
enum Other {
    Integers(Intset),
    Big(Box<Table>),
}

const _: () = assert!(size_of::<Set>() <= 16 && size_of::<Other>() <= 16);

impl Set {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self(Form::Packed(Listpack::new()))
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
        Self(Form::Other(Arc::new(Other::Integers(intset))))
    }

    /// A packed set that comes from elsewhere. Whether the members are different from each other is not checked: if they
    /// are not, they stay so as long as it is packed.
    #[must_use]
    pub fn from_listpack(listpack: Listpack) -> Self {
        Self(Form::Packed(listpack))
    }

    fn from_table(table: Table) -> Self {
        Self(Form::Other(Arc::new(Other::Big(Box::new(table)))))
    }

    /// The listpack of a packed set.
    #[must_use]
    pub fn as_listpack(&self) -> Option<ListpackRef<'_>> {
        match &self.0 {
            Form::Packed(listpack) => Some(listpack.view()),
            Form::Other(_) => None,
        }
    }

    /// The intset of a set of integers that is stored as one.
    #[must_use]
    pub fn as_intset(&self) -> Option<&Intset> {
        match &self.0 {
            Form::Other(other) => match &**other {
                Other::Integers(intset) => Some(intset),
                Other::Big(_) => None,
            },
            Form::Packed(_) => None,
        }
    }

    /// Number of members.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(listpack) => listpack.len(),
            Form::Other(other) => match &**other {
                Other::Integers(intset) => intset.len(),
                Other::Big(table) => table.len(),
            },
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
        match &self.0 {
            Form::Packed(listpack) => listpack.find(member, 0).is_some(),
            Form::Other(other) => match &**other {
                Other::Integers(intset) => {
                    parse_integer(member).is_some_and(|member| intset.contains(member))
                }
                Other::Big(table) => table.contains(member),
            },
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
        match &mut self.0 {
            Form::Packed(listpack) => {
                if listpack.find(member, 0).is_some() {
                    return false;
                }
                if packing::takes(listpack, member, limits) {
                    listpack.push_back(member);
                    return true;
                }
                self.make_big().insert(member, &[])
            }
            Form::Other(other) => {
                if let Other::Integers(intset) = &**other {
                    let Some(integer) = parse_integer(member) else {
                        self.add_text_to_integers(member, limits);
                        return true;
                    };
                    if intset.contains(integer) {
                        return false;
                    }
                }
                match Arc::make_mut(other) {
                    Other::Big(table) => table.insert(member, &[]),
                    Other::Integers(intset) => {
                        intset.insert(parse_integer(member).expect("it was parsed above"));
                        if intset.len() > packing::intset_entries_max(limits) {
                            self.make_big();
                        }
                        true
                    }
                }
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
            Form::Packed(listpack) => {
                let found = listpack.find(member, 0);
                if let Some(position) = found {
                    listpack.remove(position);
                }
                found.is_some()
            }
            Form::Other(other) => {
                let is_member = match &**other {
                    Other::Integers(intset) => {
                        parse_integer(member).is_some_and(|member| intset.contains(member))
                    }
                    Other::Big(table) => table.contains(member),
                };
                is_member
                    && match Arc::make_mut(other) {
                        Other::Integers(intset) => {
                            parse_integer(member).is_some_and(|member| intset.remove(member))
                        }
                        Other::Big(table) => table.remove(member),
                    }
            }
        }
    }

    /// Removes the member at a position, which is below the length.
    pub fn remove_at(&mut self, index: usize) {
        match &mut self.0 {
            Form::Packed(listpack) => {
                let removed = listpack.remove_range(index as i64, 1);
                assert_eq!(removed, 1, "the position is below the length");
            }
            Form::Other(other) => match Arc::make_mut(other) {
                Other::Integers(intset) => {
                    let member = intset.get(index).expect("the position is below the length");
                    intset.remove(member);
                }
                Other::Big(table) => table.remove_at(index),
            },
        }
    }

    /// The member at a position, which is below the length. Positions hold until the next change.
    #[must_use]
    pub fn at(&self, index: usize) -> ListpackValue<'_> {
        match &self.0 {
            Form::Packed(listpack) => {
                listpack.get_index(index as i64).expect("the position is below the length")
            }
            Form::Other(other) => match &**other {
                Other::Integers(intset) => {
                    ListpackValue::Integer(intset.get(index).expect("the position is below the length"))
                }
                Other::Big(table) => ListpackValue::Bytes(table.element_at(index).key),
            },
        }
    }

    /// All members, in the order of their positions.
    #[must_use]
    pub fn iter(&self) -> SetMembers<'_> {
        match &self.0 {
            Form::Packed(listpack) => SetMembers::packed(listpack.view()),
            Form::Other(other) => match &**other {
                Other::Integers(intset) => SetMembers::integers(intset),
                Other::Big(table) => SetMembers::big(table.iter()),
            },
        }
    }

    /// Visits some members, at least `count` if there are that many, and gives where to go on; 0 at the end. Who goes on
    /// until then sees every member that is there all the time.
    pub fn scan<'s>(&'s self, cursor: u64, count: usize, mut visit: impl FnMut(ListpackValue<'s>)) -> u64 {
        if let Form::Other(other) = &self.0
            && let Other::Big(table) = &**other
        {
            return table.scan(cursor, count, |element| visit(ListpackValue::Bytes(element.key)));
        }
        self.iter().for_each(visit);
        0
    }

    /// Unpacks it if that is better for a set that gets `members` more.
    pub fn expect_more(&mut self, members: usize, limits: &SetLimits) {
        let members_max = match (&self.0, self.as_intset()) {
            (Form::Packed(_), _) => limits.listpack_entries_max,
            (Form::Other(_), Some(_)) => limits.intset_entries_max,
            (Form::Other(_), None) => return,
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
            Some(listpack) => self.0 = Form::Packed(listpack),
            None => {
                self.make_big().insert(member, &[]);
            }
        }
    }

    fn make_big(&mut self) -> &mut Table {
        let is_big = matches!(&self.0, Form::Other(other) if matches!(&**other, Other::Big(_)));
        if !is_big {
            let mut table = Table::new(Shape::Keys);
            let mut text = itoa::Buffer::new();
            for member in self.iter() {
                table.insert(member.to_text(&mut text), &[]);
            }
            *self = Self::from_table(table);
        }
        match &mut self.0 {
            Form::Other(other) => match Arc::make_mut(other) {
                Other::Big(table) => table,
                Other::Integers(_) => unreachable!("it was unpacked above"),
            },
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
            Form::Packed(listpack) => listpack.byte_len(),
            Form::Other(other) => {
                size_of::<Other>()
                    + match &**other {
                        Other::Integers(intset) => intset.byte_len(),
                        Other::Big(table) => size_of::<Table>() + table.heap_bytes(),
                    }
            }
        }
    }

    fn take_copied_bytes(&mut self) -> usize {
        match &mut self.0 {
            Form::Packed(_) => 0,
            // Bytes were copied only by who is the only owner now.
            Form::Other(other) => match Arc::get_mut(other) {
                Some(Other::Big(table)) => table.take_copied_bytes(),
                _ => 0,
            },
        }
    }

    fn encoding(&self) -> CollectionEncoding {
        match &self.0 {
            Form::Packed(_) => CollectionEncoding::Listpack,
            Form::Other(other) => match &**other {
                Other::Integers(_) => CollectionEncoding::Intset,
                Other::Big(_) => CollectionEncoding::Hashtable,
            },
        }
    }
}

#[cfg(test)]
mod tests;
