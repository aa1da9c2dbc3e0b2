//! How one element lies in a leaf's bytes.
//!
//! | shape | record |
//! |---|---|
//! | keys | key |
//! | fields | length of the key (1 byte), key, value |
//! | with a long part, any shape | number of the key outside, number of the value outside (2 bytes each, little-endian, `0xffff` if inside), what is inside |

use bytes::Bytes;

use super::outside::Outside;

/// What values a table's elements have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// None: all values are empty, and take no space.
    Keys,
    /// Values of any length.
    Fields,
}

/// Longest key or value that lies in its leaf.
pub(crate) const INSIDE_LEN_MAX: usize = 255;

/// In place of a number: the part is inside.
const INSIDE: u16 = u16::MAX;

/// Bytes of the two numbers.
const NUMBERS_BYTES: usize = 4;

/// Bytes as they are stored: those outside the leaf may be cloned to keep them without copying.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stored<'a> {
    Inside(&'a [u8]),
    Shared(&'a Bytes),
}

impl<'a> Stored<'a> {
    #[inline]
    pub(crate) fn as_slice(self) -> &'a [u8] {
        match self {
            Self::Inside(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// One element of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) key: &'a [u8],
    pub(crate) value: Stored<'a>,
}

/// A record to be written.
pub(super) struct NewRecord<'a> {
    shape: Shape,
    key: &'a [u8],
    value: &'a [u8],
    /// Numbers of key and value if at least one of them is outside.
    numbers: Option<[u16; 2]>,
}

impl<'a> NewRecord<'a> {
    /// Puts what is too long outside. `crowded` means that the leaf has so many elements of one hash that this one
    /// should take as little space in it as possible.
    pub(super) fn new(
        shape: Shape,
        key: &'a [u8],
        value: Stored<'a>,
        crowded: bool,
        outside: &mut Option<Box<Outside>>,
    ) -> Self {
        let bytes = value.as_slice();
        assert!(shape == Shape::Fields || bytes.is_empty());
        let is_key_outside = key.len() > INSIDE_LEN_MAX || crowded;
        let is_value_outside = bytes.len() > INSIDE_LEN_MAX || crowded && shape == Shape::Fields;
        let numbers = (is_key_outside || is_value_outside).then(|| {
            let outside = outside.get_or_insert_default();
            let key_number = if is_key_outside { outside.put(Bytes::copy_from_slice(key)) } else { INSIDE };
            let value_number = match value {
                _ if !is_value_outside => INSIDE,
                Stored::Inside(bytes) => outside.put(Bytes::copy_from_slice(bytes)),
                Stored::Shared(bytes) => outside.put(bytes.clone()),
            };
            [key_number, value_number]
        });
        Self { shape, key, value: bytes, numbers }
    }

    pub(super) fn has_outside(&self) -> bool {
        self.numbers.is_some()
    }

    pub(super) fn len(&self) -> usize {
        match self.numbers {
            Some(numbers) => {
                let inside = [self.key.len(), self.value.len()];
                let inside = inside.iter().zip(numbers).filter(|(_, number)| *number == INSIDE);
                NUMBERS_BYTES + inside.map(|(len, _)| len).sum::<usize>()
            }
            None => usize::from(self.shape == Shape::Fields) + self.key.len() + self.value.len(),
        }
    }

    /// Fills `record`, which has the right length.
    pub(super) fn write(&self, record: &mut [u8]) {
        match (self.numbers, self.shape) {
            (Some(numbers), _) => {
                let (head, inside) = record.split_at_mut(NUMBERS_BYTES);
                head[..2].copy_from_slice(&numbers[0].to_le_bytes());
                head[2..].copy_from_slice(&numbers[1].to_le_bytes());
                match numbers {
                    [INSIDE, _] => inside.copy_from_slice(self.key),
                    [_, INSIDE] => inside.copy_from_slice(self.value),
                    _ => {}
                }
            }
            (None, Shape::Keys) => record.copy_from_slice(self.key),
            (None, Shape::Fields) => {
                let value_at = 1 + self.key.len();
                record[0] = self.key.len() as u8;
                record[1..value_at].copy_from_slice(self.key);
                record[value_at..].copy_from_slice(self.value);
            }
        }
    }
}

/// The numbers in a record that has a part outside.
pub(super) fn numbers(record: &[u8]) -> [u16; 2] {
    [u16::from_le_bytes([record[0], record[1]]), u16::from_le_bytes([record[2], record[3]])]
}

/// Reads a record without parts outside.
#[inline]
pub(super) fn read(shape: Shape, record: &[u8]) -> Element<'_> {
    match shape {
        Shape::Keys => Element { key: record, value: Stored::Inside(&[]) },
        Shape::Fields => {
            let (key, value) = record[1..].split_at(usize::from(record[0]));
            Element { key, value: Stored::Inside(value) }
        }
    }
}

/// Reads a record with parts outside.
#[cold]
pub(super) fn read_outside<'a>(record: &'a [u8], outside: &'a Outside) -> Element<'a> {
    let inside = &record[NUMBERS_BYTES..];
    let [key, value] = numbers(record);
    let key = if key == INSIDE { inside } else { outside.get(key) };
    let value = if value == INSIDE { Stored::Inside(inside) } else { Stored::Shared(outside.get(value)) };
    Element { key, value }
}

/// Gives up what a record has outside.
pub(super) fn free_outside(record: &[u8], outside: &mut Outside) {
    for number in numbers(record).into_iter().filter(|number| *number != INSIDE) {
        outside.remove(number);
    }
}

/// Makes a copied record refer to copies of what it has outside.
pub(super) fn move_outside(record: &mut [u8], from: &Outside, to: &mut Outside) {
    for (at, number) in numbers(record).into_iter().enumerate().filter(|(_, number)| *number != INSIDE) {
        let moved = to.put(from.get(number).clone());
        record[2 * at..2 * at + 2].copy_from_slice(&moved.to_le_bytes());
    }
}
