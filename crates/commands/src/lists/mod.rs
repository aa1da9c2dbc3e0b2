//! Commands on lists.

pub(crate) mod change;
pub(crate) mod pop;
pub(crate) mod push;
pub(crate) mod read;
pub(crate) mod transfer;
pub(crate) mod wait;

use std::ops::Range;

use bytes::Bytes;
use lastsave_collections::{List, ListElement, ListEnd, NewElement};
use lastsave_keyspace::Key;
use lastsave_resp::{ReplyBuffer, Request};

use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error};
use crate::signals::EventClass;

/// Longest argument that is copied into a list; longer ones are kept as part of the request's buffer where they get a
/// node of their own.
const COPIED_ELEMENT_BYTES_MAX: usize = 4096;

/// An argument as an element: borrowed from the request, or sharing its buffer.
enum Argument<'a> {
    Short(&'a [u8]),
    Long(Bytes),
}

impl<'a> Argument<'a> {
    #[inline]
    fn new(request: Request<'a>, index: usize) -> Self {
        let bytes = request.arg(index);
        if bytes.len() > COPIED_ELEMENT_BYTES_MAX {
            Self::Long(request.arg_shared(index))
        } else {
            Self::Short(bytes)
        }
    }

    #[inline]
    fn as_element(&self) -> NewElement<'_> {
        match self {
            Self::Short(bytes) => NewElement::Bytes(bytes),
            Self::Long(bytes) => NewElement::Shared(bytes),
        }
    }
}

/// An element as a bulk string.
#[inline]
fn reply_element(reply: &mut ReplyBuffer, element: ListElement<'_>) {
    match element {
        ListElement::Integer(number) => reply.bulk_integer(number),
        ListElement::Bytes(bytes) => reply.bulk(bytes),
        ListElement::Shared(bytes) => reply.bulk_shared(bytes),
    }
}

/// The elements of a range that lies within the list, as an array; from the last to the first if `is_backwards`.
fn reply_range(reply: &mut ReplyBuffer, list: &List, range: Range<usize>, is_backwards: bool) {
    let mut left = range.len();
    reply.array(left);
    if left == 0 {
        return;
    }
    let start = if is_backwards { range.end - 1 } else { range.start };
    list.visit(start, is_backwards, |element| {
        reply_element(reply, element);
        left -= 1;
        left > 0
    });
}

/// The range from `start` to `end`, which may count from the back; empty if there is nothing in it.
fn resolve_range(start: i64, end: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let start = if start < 0 { start.saturating_add(len) } else { start }.max(0);
    let end = if end < 0 { end.saturating_add(len) } else { end };
    if start > end || start >= len {
        return 0..0;
    }
    start as usize..(end.min(len - 1) + 1) as usize
}

/// The index of an element, which may count from the back; nothing before the start.
fn resolve_index(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add_unsigned(len as u64)? } else { index };
    usize::try_from(index).ok()
}

/// LEFT or RIGHT, or a syntax error.
fn end_argument(reply: &mut ReplyBuffer, argument: &[u8]) -> Result<ListEnd, Replied> {
    if argument.eq_ignore_ascii_case(b"left") {
        Ok(ListEnd::Left)
    } else if argument.eq_ignore_ascii_case(b"right") {
        Ok(ListEnd::Right)
    } else {
        Err(error(reply, SYNTAX_ERROR))
    }
}

/// The command that takes from this end.
fn pop_name(end: ListEnd) -> &'static [u8] {
    match end {
        ListEnd::Left => b"LPOP",
        ListEnd::Right => b"RPOP",
    }
}

/// Tells who wants to know that elements were taken from an end of a list, which may be gone with them.
fn announce_pop(context: &mut Context<'_>, key: &Key<'_>, end: ListEnd, is_removed: bool) {
    let event = match end {
        ListEnd::Left => "lpop",
        ListEnd::Right => "rpop",
    };
    context.notify(EventClass::List, event, key);
    if is_removed {
        context.notify(EventClass::Generic, "del", key);
    }
    context.modified(key);
}

/// Tells who wants to know that elements were added to an end of a list.
fn announce_push(context: &mut Context<'_>, key: &Key<'_>, end: ListEnd) {
    context.modified(key);
    let event = match end {
        ListEnd::Left => "lpush",
        ListEnd::Right => "rpush",
    };
    context.notify(EventClass::List, event, key);
}

#[cfg(test)]
mod tests {
    use super::{resolve_index, resolve_range};

    #[test]
    fn ranges_count_from_both_ends_and_never_leave_the_list() {
        for (start, end, expected) in [
            (0, -1, 0..5),
            (1, 2, 1..3),
            (-2, 99, 3..5),
            (-99, 0, 0..1),
            (3, 2, 0..0),
            (5, 9, 0..0),
            (0, -6, 0..0),
            (i64::MIN, i64::MAX, 0..5),
            (i64::MAX, i64::MAX, 0..0),
            (i64::MIN, i64::MIN, 0..0),
        ] {
            assert_eq!(resolve_range(start, end, 5), expected, "{start} {end}");
        }
        assert_eq!(resolve_range(0, -1, 0), 0..0);
    }

    #[test]
    fn indexes_count_from_both_ends() {
        for (index, expected) in
            [(0, Some(0)), (-1, Some(4)), (-5, Some(0)), (-6, None), (9, Some(9)), (i64::MIN, None)]
        {
            assert_eq!(resolve_index(index, 5), expected, "{index}");
        }
    }
}
