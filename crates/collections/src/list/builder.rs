//! Making a list of what a file holds.

use bytes::Bytes;
use lastsave_listpack::Listpack;

use super::element::{ListEnd, NewElement};
use super::limits::ListLimits;
use super::node::Node;
use super::quicklist::Quicklist;
use super::{Arc, Form, List};

/// Takes nodes or elements in order and becomes a [`List`].
#[derive(Debug)]
pub struct ListBuilder {
    list: Quicklist,
    limits: ListLimits,
}

impl ListBuilder {
    /// A builder of an empty list.
    #[must_use]
    pub fn new(limits: &ListLimits) -> Self {
        Self { list: Quicklist::from_listpack(Listpack::new(), limits), limits: *limits }
    }

    /// Appends an element.
    pub fn push_element(&mut self, bytes: &[u8]) {
        self.list.push(ListEnd::Right, NewElement::Bytes(bytes));
    }

    /// Appends a node of several elements, whatever its size; an empty one is left out.
    pub fn push_listpack(&mut self, listpack: Listpack) {
        if !listpack.is_empty() {
            let node = Node::packed(listpack, &self.list.limit);
            self.list.push_node(ListEnd::Right, node);
        }
    }

    /// Appends a node of one element.
    pub fn push_plain(&mut self, element: Bytes) {
        self.list.push_node(ListEnd::Right, Node::Large(element));
    }

    /// The list, packed if it is small enough.
    #[must_use]
    pub fn finish(self) -> List {
        if self.list.len() == 0 {
            return List::new();
        }
        let mut list = List(Form::Quick(Arc::new(self.list)));
        list.pack_if_small(false, &self.limits);
        list
    }
}
