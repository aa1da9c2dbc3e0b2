//! The elements of a list, as they are read and as they are written.

use bytes::Bytes;
use lastsave_listpack::ListpackValue;

/// An element as it is read; the variant says how it is stored. All forms stand for a string.
#[derive(Debug, Clone, Copy)]
pub enum ListElement<'a> {
    /// Stored as an integer; the string is its decimal text.
    Integer(i64),
    /// Stored among other elements.
    Bytes(&'a [u8]),
    /// Stored by reference; may be cloned to keep it without copying.
    Shared(&'a Bytes),
}

impl<'a> ListElement<'a> {
    /// The text, made in `buffer` when the element is an integer.
    #[must_use]
    pub fn to_text<'b>(self, buffer: &'b mut itoa::Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Self::Integer(number) => buffer.format(number).as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// The element for writing it elsewhere.
    #[must_use]
    pub fn to_owned(self) -> OwnedElement {
        match self {
            Self::Integer(number) => OwnedElement::Integer(number),
            Self::Bytes(bytes) => OwnedElement::Bytes(bytes.into()),
            Self::Shared(bytes) => OwnedElement::Shared(bytes.clone()),
        }
    }
}

impl<'a> From<ListpackValue<'a>> for ListElement<'a> {
    #[inline]
    fn from(value: ListpackValue<'a>) -> Self {
        match value {
            ListpackValue::Integer(number) => Self::Integer(number),
            ListpackValue::Bytes(bytes) => Self::Bytes(bytes),
        }
    }
}

/// An element taken out of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnedElement {
    /// It was stored as an integer.
    Integer(i64),
    /// It was stored among other elements.
    Bytes(Box<[u8]>),
    /// It was stored by reference.
    Shared(Bytes),
}

impl OwnedElement {
    /// The element as if it were still in its list.
    #[must_use]
    pub fn as_element(&self) -> ListElement<'_> {
        match self {
            Self::Integer(number) => ListElement::Integer(*number),
            Self::Bytes(bytes) => ListElement::Bytes(bytes),
            Self::Shared(bytes) => ListElement::Shared(bytes),
        }
    }
}

/// An element to be written.
#[derive(Debug, Clone, Copy)]
pub enum NewElement<'a> {
    /// Bytes that are copied.
    Bytes(&'a [u8]),
    /// Bytes that are kept by reference if the element is too long for a node with others.
    Shared(&'a Bytes),
}

impl NewElement<'_> {
    /// The bytes.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    pub(super) fn to_shared(self) -> Bytes {
        match self {
            Self::Bytes(bytes) => Bytes::copy_from_slice(bytes),
            Self::Shared(bytes) => bytes.clone(),
        }
    }
}

/// One end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListEnd {
    /// The first element's.
    Left,
    /// The last element's.
    Right,
}
