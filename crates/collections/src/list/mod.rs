//! Lists.

mod builder;
mod compression;
mod element;
mod limits;
mod matches;
mod node;
mod quicklist;

use std::ops::Range;

use lastsave_listpack::{Listpack, ListpackValue};
use triomphe::Arc;

pub use builder::ListBuilder;
pub use element::{ListElement, ListEnd, NewElement, OwnedElement};
pub use limits::ListLimits;

use self::matches::Matches;
use self::node::{Content, Node};
use self::quicklist::Quicklist;
use crate::tree::Leaf as _;
use crate::{Collection, CollectionEncoding};

/// A list of strings.
///
/// A short one is one listpack. A long one is a tree of nodes that are listpacks of a bounded size (`quicklist`): finding,
/// inserting and removing take a time logarithmic in the length, and the nodes away from the ends may be compressed. An
/// element too long for a node with others is kept by reference.
///
/// Converting between the two forms is left to the caller, who knows when Redis does it: [`List::prepare_growth`] and
/// [`List::pack_if_small`].
#[derive(Debug, Clone)]
pub struct List(Form);

#[derive(Debug, Clone)]
enum Form {
    Packed(Listpack),
    Quick(Arc<Quicklist>),
}

const _: () = assert!(size_of::<List>() <= 16);

/// A node of a list, as files keep it.
#[derive(Debug)]
pub enum ListNode<'a> {
    /// The bytes of a listpack.
    Packed(&'a [u8]),
    /// A listpack of `bytes` bytes in compressed form.
    Compressed {
        /// The compressed bytes.
        lzf: &'a [u8],
        /// Bytes of the listpack.
        bytes: usize,
    },
    /// A single element.
    Plain(&'a bytes::Bytes),
}

/// How a list in the form of a quicklist is stored, for DEBUG OBJECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuicklistShape {
    /// Number of nodes.
    pub nodes: usize,
    /// The `list-max-listpack-size` that the list keeps.
    pub listpack_size: i32,
    /// Whether inner nodes are compressed.
    pub is_compressed: bool,
    /// Bytes of all nodes when expanded.
    pub uncompressed_bytes: usize,
}

impl Default for List {
    fn default() -> Self {
        Self(Form::Packed(Listpack::new()))
    }
}

impl List {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Packed(listpack) => listpack.len(),
            Form::Quick(list) => list.len(),
        }
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets go of the packed form if elements with `count` elements and `bytes` bytes together might not fit into it.
    #[inline]
    pub fn prepare_growth(&mut self, count: usize, bytes: usize, limits: &ListLimits) {
        let Form::Packed(listpack) = &mut self.0 else { return };
        if limits.node().is_exceeded(listpack.byte_len() + bytes, listpack.len() + count) {
            let listpack = std::mem::take(listpack);
            self.0 = Form::Quick(Arc::new(Quicklist::from_listpack(listpack, limits)));
        }
    }

    /// Goes back to the packed form if one node is left, and after a removal only if that is at most half full.
    #[inline]
    pub fn pack_if_small(&mut self, is_shrinking: bool, limits: &ListLimits) {
        let Form::Quick(list) = &mut self.0 else { return };
        let Some(node) = list.only_node() else { return };
        let is_plain = matches!(node, Node::Large(bytes) if limits.is_plain(bytes.len()));
        if is_plain || !limits.node().allows_packing(node.packed_bytes(), node.len(), is_shrinking) {
            return;
        }
        let listpack = match node.content() {
            Content::Packed(listpack) => listpack.iter().collect(),
            Content::Expanded(listpack) => listpack,
            Content::Large(bytes) => std::iter::once(ListpackValue::Bytes(bytes)).collect(),
        };
        self.0 = Form::Packed(listpack);
    }

    /// Adds an element at an end.
    #[inline]
    pub fn push(&mut self, end: ListEnd, element: NewElement<'_>) {
        match &mut self.0 {
            Form::Packed(listpack) => match end {
                ListEnd::Left => listpack.push_front(element.as_bytes()),
                ListEnd::Right => listpack.push_back(element.as_bytes()),
            },
            Form::Quick(list) => Arc::make_mut(list).push(end, element),
        }
    }

    /// Takes the element at an end.
    #[inline]
    pub fn pop(&mut self, end: ListEnd) -> Option<OwnedElement> {
        match &mut self.0 {
            Form::Packed(listpack) => take_end(listpack, end),
            Form::Quick(list) => Arc::make_mut(list).pop(end),
        }
    }

    /// The element at an index, or nothing beyond the end.
    pub fn with_element<R>(&self, index: usize, look: impl FnOnce(ListElement<'_>) -> R) -> Option<R> {
        match &self.0 {
            Form::Packed(listpack) => {
                let value = i64::try_from(index).ok().and_then(|index| listpack.get_index(index))?;
                Some(look(value.into()))
            }
            Form::Quick(list) if index < list.len() => {
                let (node, offset) = list.tree.leaf_at(index);
                Some(node.content().with_element(offset, look))
            }
            Form::Quick(_) => None,
        }
    }

    /// Gives the elements from number `start` on, or from there backwards, to `look` until it gives false.
    pub fn visit(&self, start: usize, is_backwards: bool, mut look: impl FnMut(ListElement<'_>) -> bool) {
        match &self.0 {
            _ if start >= self.len() => {}
            Form::Packed(listpack) => {
                let range = if is_backwards { 0..start + 1 } else { start..listpack.len() };
                visit_content(&Content::Packed(listpack.view()), range, is_backwards, &mut look);
            }
            Form::Quick(list) => list.visit(start, is_backwards, &mut look),
        }
    }

    /// Puts an element before the one at `index`, or behind all for the length.
    ///
    /// # Panics
    /// When the index is beyond the length.
    pub fn insert(&mut self, index: usize, element: NewElement<'_>) {
        assert!(index <= self.len(), "there is no place {index} in a list of {}", self.len());
        match &mut self.0 {
            Form::Packed(listpack) => match listpack.seek(index as i64) {
                Some(position) => {
                    listpack.insert_before(position, element.as_bytes());
                }
                None => listpack.push_back(element.as_bytes()),
            },
            Form::Quick(list) => Arc::make_mut(list).insert(index, element),
        }
    }

    /// Puts an element in the place of the one at `index`. Gives false beyond the end.
    pub fn replace(&mut self, index: usize, element: NewElement<'_>) -> bool {
        if index >= self.len() {
            return false;
        }
        match &mut self.0 {
            Form::Packed(listpack) => {
                let position = listpack.seek(index as i64).expect("the index is below the count");
                listpack.replace(position, element.as_bytes());
            }
            Form::Quick(list) => Arc::make_mut(list).replace(index, element),
        }
        true
    }

    /// Removes the elements of a range, as far as there are any.
    pub fn remove(&mut self, range: Range<usize>) {
        let range = range.start..range.end.min(self.len());
        if range.is_empty() {
            return;
        }
        match &mut self.0 {
            Form::Packed(listpack) => {
                listpack.remove_range(range.start as i64, range.len());
            }
            Form::Quick(list) => Arc::make_mut(list).remove(range),
        }
    }

    /// Removes up to `count_max` elements that are equal to `element`, looking from one end. Gives how many there were.
    pub fn remove_matches(&mut self, element: &[u8], from: ListEnd, count_max: usize) -> usize {
        let wanted = Matches::new(element);
        match &mut self.0 {
            Form::Packed(listpack) => {
                let all = 0..listpack.len();
                let content = Content::Packed(listpack.view());
                let found = matches::count(&content, &wanted, all.clone(), count_max);
                if found > 0 {
                    matches::remove_packed(listpack, &wanted, all, from, found);
                }
                found
            }
            Form::Quick(list) => Arc::make_mut(list).remove_matches(&wanted, from, count_max),
        }
    }

    /// Gives the indexes of the elements that are equal to `element` to `found` until it gives false. At most `len_max`
    /// elements are looked at, from one end on.
    pub fn find(&self, element: &[u8], from: ListEnd, len_max: usize, mut found: impl FnMut(usize) -> bool) {
        let (wanted, len) = (Matches::new(element), self.len());
        let is_backwards = from == ListEnd::Right;
        let mut looked_at = 0;
        if len == 0 || len_max == 0 {
            return;
        }
        self.visit(if is_backwards { len - 1 } else { 0 }, is_backwards, |element| {
            let index = if is_backwards { len - 1 - looked_at } else { looked_at };
            looked_at += 1;
            (!wanted.is(element) || found(index)) && looked_at < len_max
        });
    }

    /// The nodes, which is one for a packed list.
    pub fn nodes(&self) -> impl Iterator<Item = ListNode<'_>> {
        let (packed, quick) = match &self.0 {
            Form::Packed(listpack) => (Some(ListNode::Packed(listpack.as_bytes())), None),
            Form::Quick(list) => (None, Some(list)),
        };
        let leaves = quick.into_iter().flat_map(|list| list.tree.leaves());
        packed.into_iter().chain(leaves.map(|node| match node {
            Node::Packed { listpack, .. } => ListNode::Packed(listpack.as_bytes()),
            Node::Compressed(compressed) => {
                ListNode::Compressed { lzf: compressed.as_lzf(), bytes: compressed.listpack_bytes() }
            }
            Node::Large(bytes) => ListNode::Plain(bytes),
        }))
    }

    /// The bytes of a packed list.
    #[must_use]
    pub fn packed_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Form::Packed(listpack) => Some(listpack.as_bytes()),
            Form::Quick(_) => None,
        }
    }

    /// How a list that is not packed is stored.
    #[must_use]
    pub fn quicklist_shape(&self) -> Option<QuicklistShape> {
        let Form::Quick(list) = &self.0 else { return None };
        let mut shape = QuicklistShape {
            nodes: 0,
            listpack_size: list.listpack_size,
            is_compressed: list.compress_depth > 0,
            uncompressed_bytes: 0,
        };
        for node in list.tree.leaves() {
            shape.nodes += 1;
            shape.uncompressed_bytes += node.packed_bytes();
        }
        Some(shape)
    }
}

impl Collection for List {
    fn is_empty(&self) -> bool {
        List::is_empty(self)
    }

    fn heap_bytes(&self) -> usize {
        match &self.0 {
            Form::Packed(listpack) => listpack.byte_len(),
            Form::Quick(list) => size_of::<Quicklist>() + size_of::<usize>() + list.tree.heap_bytes(),
        }
    }

    fn take_copied_bytes(&mut self) -> usize {
        match &mut self.0 {
            Form::Packed(_) => 0,
            // Whoever has changed it is its only owner.
            Form::Quick(list) => Arc::get_mut(list).map_or(0, |list| list.tree.take_copied_bytes()),
        }
    }

    fn encoding(&self) -> CollectionEncoding {
        match &self.0 {
            Form::Packed(_) => CollectionEncoding::Listpack,
            Form::Quick(_) => CollectionEncoding::Quicklist,
        }
    }
}

/// Takes the element at an end of a listpack.
fn take_end(listpack: &mut Listpack, end: ListEnd) -> Option<OwnedElement> {
    let position = match end {
        ListEnd::Left => listpack.first(),
        ListEnd::Right => listpack.last(),
    }?;
    let element = ListElement::from(listpack.get(position)).to_owned();
    listpack.remove(position);
    Some(element)
}

/// Gives the elements of a range of a node to `look`, from either end, until it gives false; then the result is false.
fn visit_content(
    content: &Content<'_>,
    range: Range<usize>,
    is_backwards: bool,
    look: &mut impl FnMut(ListElement<'_>) -> bool,
) -> bool {
    let listpack = match content.listpack() {
        Ok(listpack) => listpack,
        Err(bytes) => return range.is_empty() || look(ListElement::Shared(bytes)),
    };
    if range.is_empty() {
        return true;
    }
    if is_backwards {
        let mut left = range.len();
        let mut position = listpack.seek(range.end as i64 - 1);
        while let Some(at) = position.filter(|_| left > 0) {
            if !look(listpack.get(at).into()) {
                return false;
            }
            left -= 1;
            position = listpack.prev(at);
        }
        return true;
    }
    let Some(start) = listpack.seek(range.start as i64) else { return true };
    listpack.iter_from(start).take(range.len()).all(|value| look(value.into()))
}

#[cfg(test)]
mod tests;
