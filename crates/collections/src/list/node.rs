//! The nodes of a long list: packed, compressed, or one large element.

use bytes::Bytes;
use lastsave_listpack::{Listpack, ListpackRef};
use lastsave_lzf::{Compressor, decompress};

use super::element::{ListElement, NewElement};
use super::limits::NodeLimit;
use crate::tree::{Leaf, Place};

/// Packed nodes smaller than this are not worth compressing.
const COMPRESSED_FROM_BYTES: usize = 48;
/// Bytes that compressing must save.
const SAVED_BYTES_MIN: usize = 8;

/// Some consecutive elements of a list.
#[derive(Debug, Clone)]
pub(super) enum Node {
    /// Elements in one listpack.
    Packed {
        listpack: Listpack,
        /// Compressing it was tried and saves nothing.
        is_incompressible: bool,
    },
    /// A listpack that is compressed.
    Compressed(Compressed),
    /// One element that leaves no room for others.
    Large(Bytes),
}

/// A compressed listpack.
#[derive(Debug, Clone)]
pub(super) struct Compressed {
    lzf: Box<[u8]>,
    /// Bytes of the listpack.
    bytes: u32,
    /// Elements in it.
    count: u32,
}

impl Compressed {
    /// The listpack in its compressed form.
    pub(super) fn as_lzf(&self) -> &[u8] {
        &self.lzf
    }

    /// Bytes of the listpack.
    pub(super) fn listpack_bytes(&self) -> usize {
        self.bytes as usize
    }

    pub(super) fn expand(&self) -> Listpack {
        let bytes = decompress(&self.lzf, self.bytes.into()).expect("it is what was compressed");
        Listpack::from_bytes(bytes).expect("a listpack was compressed")
    }
}

/// A node's content for reading.
#[derive(Debug)]
pub(super) enum Content<'a> {
    Packed(ListpackRef<'a>),
    Expanded(Listpack),
    Large(&'a Bytes),
}

impl Content<'_> {
    /// The listpack, or the one large element.
    pub(super) fn listpack(&self) -> Result<ListpackRef<'_>, &Bytes> {
        match self {
            Self::Packed(listpack) => Ok(*listpack),
            Self::Expanded(listpack) => Ok(listpack.view()),
            Self::Large(bytes) => Err(bytes),
        }
    }

    /// Gives an element to `look`.
    pub(super) fn with_element<R>(&self, index: usize, look: impl FnOnce(ListElement<'_>) -> R) -> R {
        match self.listpack() {
            Ok(listpack) => {
                look(listpack.get_index(index as i64).expect("the index is below the count").into())
            }
            Err(bytes) => look(ListElement::Shared(bytes)),
        }
    }
}

impl Node {
    /// A node of elements in a listpack; a lone element that is large becomes a large one.
    pub(super) fn packed(listpack: Listpack, limit: &NodeLimit) -> Self {
        if limit.is_large(listpack.byte_len())
            && listpack.len() == 1
            && let Some(lastsave_listpack::ListpackValue::Bytes(bytes)) = listpack.get_index(0)
            && limit.is_large(bytes.len())
        {
            return Self::Large(Bytes::copy_from_slice(bytes));
        }
        Self::plain_packed(listpack)
    }

    /// A node of elements in a listpack.
    pub(super) fn plain_packed(listpack: Listpack) -> Self {
        Self::Packed { listpack, is_incompressible: false }
    }

    /// A node with one element.
    pub(super) fn of(element: NewElement<'_>, limit: &NodeLimit) -> Self {
        if limit.is_large(element.as_bytes().len()) {
            return Self::Large(element.to_shared());
        }
        let mut listpack = Listpack::new();
        listpack.push_back(element.as_bytes());
        Self::plain_packed(listpack)
    }

    /// The elements for reading.
    pub(super) fn content(&self) -> Content<'_> {
        match self {
            Self::Packed { listpack, .. } => Content::Packed(listpack.view()),
            Self::Compressed(compressed) => Content::Expanded(compressed.expand()),
            Self::Large(bytes) => Content::Large(bytes),
        }
    }

    /// The listpack for writing, expanded if it was compressed; nothing for a large element.
    pub(super) fn listpack_mut(&mut self) -> Option<&mut Listpack> {
        if let Self::Compressed(compressed) = self {
            *self = Self::plain_packed(compressed.expand());
        }
        match self {
            Self::Packed { listpack, is_incompressible } => {
                *is_incompressible = false;
                Some(listpack)
            }
            Self::Compressed(_) | Self::Large(_) => None,
        }
    }

    /// Whether another element of this many bytes may be put into it.
    pub(super) fn has_room(&self, added: usize, limit: &NodeLimit) -> bool {
        !matches!(self, Self::Large(_))
            && !limit.is_large(added)
            && limit.has_room(self.packed_bytes(), self.len(), added)
    }

    /// Bytes of the listpack or of the large element, not compressed.
    pub(super) fn packed_bytes(&self) -> usize {
        match self {
            Self::Packed { listpack, .. } => listpack.byte_len(),
            Self::Compressed(compressed) => compressed.listpack_bytes(),
            Self::Large(bytes) => bytes.len(),
        }
    }

    /// Whether it might be compressed.
    pub(super) fn is_worth_compressing(&self) -> bool {
        match self {
            Self::Packed { listpack, is_incompressible } => {
                !is_incompressible && listpack.byte_len() >= COMPRESSED_FROM_BYTES
            }
            Self::Compressed(_) | Self::Large(_) => false,
        }
    }

    /// Compresses it if that saves something.
    pub(super) fn compress(&mut self) {
        let Self::Packed { listpack, is_incompressible } = self else { return };
        let (bytes, count) = (listpack.byte_len(), listpack.len());
        let mut lzf = Vec::new();
        let saves =
            Compressor::default().compress(listpack.as_bytes(), bytes - SAVED_BYTES_MIN - 1, &mut lzf);
        match (u32::try_from(bytes), u32::try_from(count)) {
            (Ok(bytes), Ok(count)) if saves => {
                *self = Self::Compressed(Compressed { lzf: lzf.into(), bytes, count });
            }
            _ => *is_incompressible = true,
        }
    }
}

impl Leaf for Node {
    type Key = ();
    type Limits = NodeLimit;

    fn len(&self) -> usize {
        match self {
            Self::Packed { listpack, .. } => listpack.len(),
            Self::Compressed(compressed) => compressed.count as usize,
            Self::Large(_) => 1,
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Packed { listpack, .. } => listpack.byte_len(),
            Self::Compressed(compressed) => compressed.lzf.len(),
            Self::Large(bytes) => bytes.len(),
        }
    }

    fn lower_bound(&self) {}

    fn is_over(&self, limit: &NodeLimit) -> bool {
        !matches!(self, Self::Large(_))
            && limit.is_exceeded(self.packed_bytes(), self.len())
            && self.len() > 1
    }

    fn is_under(&self, limit: &NodeLimit) -> bool {
        matches!(self, Self::Packed { .. }) && limit.is_underfull(self.packed_bytes(), self.len())
    }

    fn split(&mut self, _place: Place, limit: &NodeLimit) -> Option<Self> {
        let listpack = self.listpack_mut()?;
        let half = listpack.byte_len() / 2;
        let middle = listpack.entries().skip(1).position(|(position, _)| position.offset() >= half);
        let at = middle.map_or(listpack.len() - 1, |index| index + 1);
        let upper = listpack.split_off(at);
        let lower = std::mem::take(listpack);
        *self = Self::packed(lower, limit);
        Some(Self::packed(upper, limit))
    }

    fn can_absorb(&self, next: &Self, limit: &NodeLimit) -> bool {
        !matches!(self, Self::Large(_))
            && !matches!(next, Self::Large(_))
            && limit.allows_uniting(self.packed_bytes() + next.packed_bytes(), self.len() + next.len())
    }

    fn absorb(&mut self, next: &Self) {
        let content = next.content();
        let (Some(listpack), Ok(other)) = (self.listpack_mut(), content.listpack()) else {
            unreachable!("large elements stay alone")
        };
        listpack.merge(other);
    }
}
