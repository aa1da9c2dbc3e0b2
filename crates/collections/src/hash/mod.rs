//! Hashes: fields with values.

mod expiry;
mod iterate;

use expiry::ExpiringHash;
pub use iterate::HashFields;

use bytes::Bytes;
use lastsave_listpack::{Listpack, ListpackRef, ListpackValue, Position};
use thiserror::Error;
use triomphe::Arc;

use crate::collection::{Collection, CollectionEncoding};
use crate::table::{Shape, Stored, Table};

/// Up to which size a hash is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashLimits {
    /// `hash-max-listpack-entries`: most fields.
    pub listpack_entries_max: usize,
    /// `hash-max-listpack-value`: longest field or value in bytes.
    pub listpack_value_bytes_max: usize,
}

impl Default for HashLimits {
    fn default() -> Self {
        Self { listpack_entries_max: 512, listpack_value_bytes_max: 64 }
    }
}

/// The value of a field, as it is stored.
#[derive(Debug, Clone, Copy)]
pub enum HashValue<'a> {
    /// The decimal text of an integer.
    Integer(i64),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Bytes that may be cloned to keep them without copying.
    Shared(&'a Bytes),
}

impl<'a> HashValue<'a> {
    /// The value without regard to how its bytes are kept.
    #[must_use]
    #[inline]
    pub fn text(self) -> ListpackValue<'a> {
        match self {
            Self::Integer(integer) => ListpackValue::Integer(integer),
            Self::Bytes(bytes) => ListpackValue::Bytes(bytes),
            Self::Shared(bytes) => ListpackValue::Bytes(bytes),
        }
    }
}

impl<'a> From<ListpackValue<'a>> for HashValue<'a> {
    #[inline]
    fn from(value: ListpackValue<'a>) -> Self {
        match value {
            ListpackValue::Integer(integer) => Self::Integer(integer),
            ListpackValue::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

impl<'a> From<Stored<'a>> for HashValue<'a> {
    #[inline]
    fn from(value: Stored<'a>) -> Self {
        match value {
            Stored::Inside(bytes) => Self::Bytes(bytes),
            Stored::Shared(bytes) => Self::Shared(bytes),
        }
    }
}

/// A hash.
#[derive(Debug, Clone)]
pub struct Hash(Form);

/// Two of the three forms share a variant, because only then a hash takes 16 bytes.
#[derive(Debug, Clone)]
enum Form {
    Packed(Listpack),
    Other(Arc<Other>),
}

#[derive(Debug, Clone)]
enum Other {
    Big(Table),
    Expiring(ExpiringHash),
}

/// A hash without regard to when its fields expire.
enum Plain<'a> {
    Packed(&'a Listpack),
    Big(&'a Table),
}

const _: () = assert!(size_of::<Hash>() <= 16 && size_of::<Other>() <= size_of::<Table>());

/// A listpack is none of a hash: its last field has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the last field of the hash has no value")]
pub struct NotAHash;

impl Hash {
    /// An empty hash.
    #[must_use]
    pub fn new() -> Self {
        Self(Form::Packed(Listpack::new()))
    }

    /// A packed hash that comes from elsewhere. Whether the fields are different from each other is not checked: if they
    /// are not, they stay so as long as it is packed.
    ///
    /// # Errors
    /// When a value is missing.
    pub fn from_listpack(listpack: Listpack) -> Result<Self, NotAHash> {
        if listpack.len().is_multiple_of(2) { Ok(Self(Form::Packed(listpack))) } else { Err(NotAHash) }
    }

    /// The listpack of a packed hash.
    #[must_use]
    pub fn as_listpack(&self) -> Option<ListpackRef<'_>> {
        match self.plain() {
            Plain::Packed(listpack) => Some(listpack.view()),
            Plain::Big(_) => None,
        }
    }

    /// Number of fields.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self.plain() {
            Plain::Packed(listpack) => listpack.len() / 2,
            Plain::Big(table) => table.len(),
        }
    }

    /// Whether there are no fields.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        match self.plain() {
            Plain::Packed(listpack) => listpack.is_empty(),
            Plain::Big(table) => table.is_empty(),
        }
    }

    /// The value of a field.
    #[must_use]
    #[inline]
    pub fn get(&self, field: &[u8]) -> Option<HashValue<'_>> {
        match self.plain() {
            Plain::Packed(listpack) => {
                let field = listpack.find(field, 1)?;
                Some(listpack.get(value_position(listpack, field)).into())
            }
            Plain::Big(table) => Some(table.get_stored(field)?.into()),
        }
    }

    /// Whether there is a field with this name.
    #[must_use]
    #[inline]
    pub fn contains(&self, field: &[u8]) -> bool {
        match self.plain() {
            Plain::Packed(listpack) => listpack.find(field, 1).is_some(),
            Plain::Big(table) => table.contains(field),
        }
    }

    #[inline]
    fn plain(&self) -> Plain<'_> {
        match &self.0 {
            Form::Packed(listpack) => Plain::Packed(listpack),
            Form::Other(other) => match &**other {
                Other::Big(table) => Plain::Big(table),
                Other::Expiring(expiring) => expiring.plain().plain(),
            },
        }
    }

    /// Gives a field a value; it does not expire any more. Gives whether the field is new.
    #[inline]
    pub fn set(&mut self, field: &[u8], value: &[u8], limits: &HashLimits) -> bool {
        self.clear_expiry(field);
        self.set_stored(field, Stored::Inside(value), limits)
    }

    /// The same with bytes that need not be copied when they are long.
    pub fn set_shared(&mut self, field: &[u8], value: &Bytes, limits: &HashLimits) -> bool {
        self.clear_expiry(field);
        self.set_stored(field, Stored::Shared(value), limits)
    }

    /// Gives a field a value, and leaves it at when it expires. Gives whether the field is new.
    pub fn update(&mut self, field: &[u8], value: &[u8], limits: &HashLimits) -> bool {
        self.set_stored(field, Stored::Inside(value), limits)
    }

    fn set_stored(&mut self, field: &[u8], value: Stored<'_>, limits: &HashLimits) -> bool {
        if let Some(expiring) = self.expiring_mut() {
            return expiring.plain_mut().set_stored(field, value, limits);
        }
        let text = value.as_slice();
        if let Form::Packed(listpack) = &mut self.0
            && field.len().max(text.len()) <= limits.listpack_value_bytes_max
            && listpack.fits(field.len() + text.len())
        {
            if let Some(field) = listpack.find(field, 1) {
                listpack.replace(value_position(listpack, field), text);
                return false;
            }
            listpack.append_many([field, text]);
            if listpack.len() / 2 > limits.listpack_entries_max {
                self.make_big();
            }
            return true;
        }
        self.make_big().insert(field, value)
    }

    /// Removes a field. Gives whether there was one.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        self.clear_expiry(field);
        if let Some(expiring) = self.expiring_mut() {
            return expiring.plain_mut().remove(field);
        }
        match &mut self.0 {
            Form::Packed(listpack) => {
                let found = listpack.find(field, 1);
                if let Some(field) = found {
                    listpack.remove_many(field, 2);
                }
                found.is_some()
            }
            Form::Other(other) => {
                let is_there = matches!(&**other, Other::Big(table) if table.contains(field));
                is_there && self.make_big().remove(field)
            }
        }
    }

    /// The field at a position, which is below the length, with its value. Positions hold until the next change.
    #[must_use]
    pub fn at(&self, index: usize) -> (ListpackValue<'_>, HashValue<'_>) {
        match self.plain() {
            Plain::Packed(listpack) => {
                let field = listpack.seek(2 * index as i64).expect("the position is below the length");
                (listpack.get(field), listpack.get(value_position(listpack, field)).into())
            }
            Plain::Big(table) => {
                let element = table.element_at(index);
                (ListpackValue::Bytes(element.key), element.value.into())
            }
        }
    }

    /// All fields with their values, in the order of their positions.
    #[must_use]
    pub fn iter(&self) -> HashFields<'_> {
        match self.plain() {
            Plain::Packed(listpack) => HashFields::packed(listpack.view()),
            Plain::Big(table) => HashFields::big(table.iter()),
        }
    }

    /// Visits some fields, at least `count` if there are that many, and gives where to go on; 0 at the end. Who goes on
    /// until then sees every field that is there all the time.
    pub fn scan<'h>(
        &'h self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(ListpackValue<'h>, HashValue<'h>),
    ) -> u64 {
        match self.plain() {
            Plain::Packed(_) => {
                self.iter().for_each(|(field, value)| visit(field, value));
                0
            }
            Plain::Big(table) => table.scan(cursor, count, |element| {
                visit(ListpackValue::Bytes(element.key), element.value.into());
            }),
        }
    }

    /// Unpacks it if that is better for a hash that gets `fields` more.
    pub fn expect_more(&mut self, fields: usize, limits: &HashLimits) {
        if fields > limits.listpack_entries_max {
            match self.expiring_mut() {
                Some(expiring) => expiring.plain_mut().make_big(),
                None => self.make_big(),
            };
        }
    }

    /// Unpacks it if it has more fields than a packed hash should have.
    pub fn fit(&mut self, limits: &HashLimits) {
        self.expect_more(self.len(), limits);
    }

    /// The table of a hash whose fields do not expire, which is unpacked if need be.
    fn make_big(&mut self) -> &mut Table {
        if let Form::Packed(listpack) = &self.0 {
            let mut table = Table::new(Shape::Fields);
            let (mut field_text, mut value_text) = (itoa::Buffer::new(), itoa::Buffer::new());
            for (field, value) in listpack.pairs() {
                table.insert(field.to_text(&mut field_text), value.to_text(&mut value_text));
            }
            self.0 = Form::Other(Arc::new(Other::Big(table)));
        }
        match &mut self.0 {
            Form::Other(other) => match Arc::make_mut(other) {
                Other::Big(table) => table,
                Other::Expiring(_) => unreachable!("its fields do not expire"),
            },
            Form::Packed(_) => unreachable!("it was unpacked above"),
        }
    }
}

/// Where the value of the field at `field` is.
#[inline]
fn value_position(listpack: &Listpack, field: Position) -> Position {
    listpack.next(field).expect("every field has a value")
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

impl<'h> IntoIterator for &'h Hash {
    type Item = (ListpackValue<'h>, HashValue<'h>);
    type IntoIter = HashFields<'h>;

    fn into_iter(self) -> HashFields<'h> {
        self.iter()
    }
}

impl Collection for Hash {
    fn is_empty(&self) -> bool {
        self.is_empty()
    }

    fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(listpack) => listpack.byte_len(),
            Form::Other(other) => {
                size_of::<Other>()
                    + match &**other {
                        Other::Big(table) => table.heap_bytes(),
                        Other::Expiring(expiring) => expiring.heap_bytes(),
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
                Some(Other::Expiring(expiring)) => expiring.take_copied_bytes(),
                None => 0,
            },
        }
    }

    fn encoding(&self) -> CollectionEncoding {
        match &self.0 {
            Form::Packed(_) => CollectionEncoding::Listpack,
            Form::Other(other) => match &**other {
                Other::Expiring(expiring) if expiring.plain().as_listpack().is_some() => {
                    CollectionEncoding::ListpackEx
                }
                _ => CollectionEncoding::Hashtable,
            },
        }
    }
}

#[cfg(test)]
mod tests;
