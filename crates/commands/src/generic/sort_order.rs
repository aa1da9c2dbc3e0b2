//! Putting the elements of SORT in order.

use std::cmp::Ordering;

use lastsave_listpack::ListpackValue;

use crate::double::parse_double;

/// The elements to be sorted, in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Elements {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Elements {
    pub(super) fn push(&mut self, element: ListpackValue<'_>) {
        element.write_to(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn push_text(&mut self, element: &[u8]) {
        self.push(ListpackValue::Bytes(element));
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: u32) -> &[u8] {
        let index = index as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len() as u32).map(|index| self.get(index))
    }
}

/// A weight as C's `strtod` reads it, wholly or not at all: blanks before it do not matter, and nothing is 0.
pub(super) fn parse_weight(text: &[u8]) -> Option<f64> {
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    parse_double(&text[blanks..])
}

/// The elements' indexes on their way into order. Where weights are equal, the elements' bytes decide, so that the result
/// does not depend on the order in which a set gives its members.
#[derive(Debug)]
pub(super) struct Order<'e> {
    elements: &'e Elements,
    is_descending: bool,
    indexes: Vec<u32>,
}

impl<'e> Order<'e> {
    pub(super) fn new(elements: &'e Elements, is_descending: bool) -> Self {
        let len = u32::try_from(elements.len()).expect("memory does not hold that many elements");
        Self { elements, is_descending, indexes: (0..len).collect() }
    }

    /// Orders by the elements themselves.
    pub(super) fn by_element(&mut self) {
        self.sort(|_, _| Ordering::Equal, false);
    }

    /// Orders by texts. What has none comes first. Elements with the same text stay as they are if `is_stable` says that
    /// they are in an order of their own.
    pub(super) fn by_text(&mut self, texts: &[Option<Vec<u8>>], is_stable: bool) {
        self.sort(|one, other| texts[one as usize].cmp(&texts[other as usize]), is_stable);
    }

    /// Orders by weights, which are not NaN.
    pub(super) fn by_weight(&mut self, weights: &[f64]) {
        self.sort(
            |one, other| {
                let (one, other) = (weights[one as usize], weights[other as usize]);
                one.partial_cmp(&other).unwrap_or(Ordering::Equal)
            },
            false,
        );
    }

    fn sort(&mut self, compare: impl Fn(u32, u32) -> Ordering, is_stable: bool) {
        let (elements, is_descending) = (self.elements, self.is_descending);
        self.indexes.sort_by(|one, other| {
            let mut order = compare(*one, *other);
            if !is_stable {
                order = order.then_with(|| elements.get(*one).cmp(elements.get(*other)));
            }
            if is_descending { order.reverse() } else { order }
        });
    }

    pub(super) fn into_indexes(self) -> Vec<u32> {
        self.indexes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_numbers_as_c_reads_them() {
        for (text, weight) in [
            (&b"12"[..], Some(12.0)),
            (b" -1.5e1", Some(-15.0)),
            (b"", Some(0.0)),
            (b"0x10", Some(16.0)),
            (b"inf", Some(f64::INFINITY)),
            (b" ", None),
            (b"1 ", None),
            (b"nan", None),
            (b"1e400", None),
            (b"text", None),
        ] {
            assert_eq!(parse_weight(text), weight, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn equal_weights_are_told_apart_by_the_elements() {
        let mut elements = Elements::default();
        [&b"b"[..], b"c", b"a", b""].iter().for_each(|element| elements.push_text(element));
        let sorted = |is_descending, run: &dyn Fn(&mut Order<'_>)| {
            let mut order = Order::new(&elements, is_descending);
            run(&mut order);
            order.into_indexes()
        };
        assert_eq!(sorted(false, &|order| order.by_weight(&[1.0, 0.0, 1.0, 2.0])), [1, 2, 0, 3]);
        assert_eq!(sorted(true, &|order| order.by_weight(&[1.0, 0.0, 1.0, 2.0])), [3, 0, 2, 1]);
        assert_eq!(sorted(false, &|order| order.by_element()), [3, 2, 0, 1]);
        let texts = vec![Some(b"x".to_vec()), None, Some(b"w".to_vec()), None];
        assert_eq!(sorted(false, &|order| order.by_text(&texts, false)), [3, 1, 2, 0]);
        assert_eq!(sorted(true, &|order| order.by_text(&texts, true)), [0, 2, 1, 3]);
    }
}
