//! The patterns of SORT's BY and GET: names of keys, and of fields in them, made from an element.

use std::borrow::Cow;

use lastsave_collections::Hash;
use lastsave_keyspace::{IntegerBuffer, Stored, Value};

use crate::context::Context;

/// What follows BY or GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// Without an asterisk: nothing.
    Nothing,
    /// The key whose name has the element between these two, or a field of it.
    Key { before: &'a [u8], after: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    pub(super) fn new(pattern: &'a [u8]) -> Self {
        if pattern == b"#" {
            return Self::Element;
        }
        let Some(asterisk) = pattern.iter().position(|byte| *byte == b'*') else { return Self::Nothing };
        let (before, after) = (&pattern[..asterisk], &pattern[asterisk + 1..]);
        let arrow = after.windows(2).position(|bytes| bytes == b"->");
        match arrow.filter(|arrow| arrow + 2 < after.len()) {
            Some(arrow) => Self::Key { before, after: &after[..arrow], field: Some(&after[arrow + 2..]) },
            None => Self::Key { before, after, field: None },
        }
    }
}

/// What a pattern stands for with an element: the value of a string, or of a field of a hash.
pub(super) fn look_up<'e>(
    context: &mut Context<'_>,
    pattern: &Pattern<'_>,
    element: &'e [u8],
) -> Option<Cow<'e, [u8]>> {
    let (before, after, field) = match pattern {
        Pattern::Element => return Some(Cow::Borrowed(element)),
        Pattern::Nothing => return None,
        Pattern::Key { before, after, field } => (*before, *after, *field),
    };
    let name = [before, element, after].concat();
    let key = context.key(&name);
    context.read(&key, |entry, _| {
        let value = entry?.value();
        let found = match (field, value) {
            (Some(field), value) => Hash::of(value)?.get(field)?.text().to_vec(),
            (None, Value::String(string)) => string.to_text(&mut IntegerBuffer::new()).to_vec(),
            (None, _) => return None,
        };
        Some(Cow::Owned(found))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_taken_apart() {
        let key = |before, after, field| Pattern::Key { before, after, field };
        for (text, pattern) in [
            (&b"#"[..], Pattern::Element),
            (b"##", Pattern::Nothing),
            (b"nosort", Pattern::Nothing),
            (b"w_*", key(b"w_", b"", None)),
            (b"a*b*c", key(b"a", b"b*c", None)),
            (b"h_*->f", key(b"h_", b"", Some(b"f"))),
            (b"h_*_x->f->g", key(b"h_", b"_x", Some(b"f->g"))),
            (b"h_*->", key(b"h_", b"->", None)),
            (b"a->*", key(b"a->", b"", None)),
        ] {
            assert_eq!(Pattern::new(text), pattern, "{}", text.escape_ascii());
        }
    }
}
