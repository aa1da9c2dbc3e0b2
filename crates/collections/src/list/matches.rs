//! Finding and removing the elements that are equal to a given one.

use std::ops::Range;

use lastsave_listpack::{Listpack, ListpackBuilder, ListpackValue, parse_integer};

use super::element::{ListElement, ListEnd};
use super::node::{Content, Node};

/// What elements are compared with.
#[derive(Debug)]
pub(super) struct Matches<'a> {
    bytes: &'a [u8],
    /// The integer that the bytes are the text of.
    integer: Option<i64>,
}

impl<'a> Matches<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, integer: parse_integer(bytes) }
    }

    #[inline]
    pub(super) fn is(&self, element: ListElement<'_>) -> bool {
        match element {
            ListElement::Integer(number) => self.integer == Some(number),
            ListElement::Bytes(bytes) => bytes == self.bytes,
            ListElement::Shared(bytes) => bytes == self.bytes,
        }
    }

    #[inline]
    fn is_value(&self, value: ListpackValue<'_>) -> bool {
        self.is(value.into())
    }
}

/// How many elements of a range of a node are equal, counting to `count_max`.
pub(super) fn count(
    content: &Content<'_>,
    wanted: &Matches<'_>,
    range: Range<usize>,
    count_max: usize,
) -> usize {
    let mut found = 0;
    super::visit_content(content, range, false, &mut |element| {
        found += usize::from(wanted.is(element));
        found < count_max
    });
    found
}

/// Removes `count` equal elements of a range of a node, those nearest to one end of it. There are that many.
pub(super) fn remove(
    node: &mut Node,
    wanted: &Matches<'_>,
    range: Range<usize>,
    from: ListEnd,
    count: usize,
) {
    match node.listpack_mut() {
        Some(listpack) => remove_packed(listpack, wanted, range, from, count),
        None => *node = Node::plain_packed(Listpack::new()),
    }
}

/// The same in a listpack.
pub(super) fn remove_packed(
    listpack: &mut Listpack,
    wanted: &Matches<'_>,
    range: Range<usize>,
    from: ListEnd,
    count: usize,
) {
    // Equal elements that stay because the others come first.
    let mut passed_over = match from {
        ListEnd::Left => 0,
        ListEnd::Right => {
            let values = listpack.iter().take(range.end).skip(range.start);
            values.filter(|value| wanted.is_value(*value)).count() - count
        }
    };
    let mut left = count;
    let mut kept = ListpackBuilder::with_capacity(listpack.byte_len());
    for (index, value) in listpack.iter().enumerate() {
        if left > 0 && range.contains(&index) && wanted.is_value(value) {
            if passed_over == 0 {
                left -= 1;
                continue;
            }
            passed_over -= 1;
        }
        kept.push_value(value);
    }
    *listpack = kept.finish();
}
