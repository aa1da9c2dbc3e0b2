//! Intersection, union and difference of sets.
//!
//! How the result is stored follows from the operands as in Redis: that decides in which form a result is begun.

use lastsave_collections::{Collection, CollectionEncoding, Set, SetLimits};
use lastsave_listpack::{Intset, ListpackValue};

/// What to do with several sets; a key that does not exist stands for an empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Intersection,
    Union,
    Difference,
}

impl Operation {
    pub(super) fn apply(self, sets: &[Set], limits: &SetLimits) -> Set {
        match self {
            Self::Intersection => intersection(sets, limits),
            Self::Union => union(sets, limits),
            Self::Difference => difference(sets, limits),
        }
    }
}

fn empty_intset() -> Set {
    Set::from_intset(Intset::new())
}

/// Whether a set with at least these members is certainly stored as a table.
fn is_certainly_big(set: &Set, limits: &SetLimits) -> bool {
    set.encoding() == CollectionEncoding::Hashtable
        && set.len() > limits.intset_entries_max.max(limits.listpack_entries_max)
}

/// Gives the members that all sets have, until `visit` gives false.
pub(super) fn visit_common<'s>(sets: &'s [Set], mut visit: impl FnMut(ListpackValue<'s>) -> bool) {
    let Some(smallest) = (0..sets.len()).min_by_key(|index| sets[*index].len()) else { return };
    let others = || sets.iter().enumerate().filter(|(index, _)| *index != smallest).map(|(_, set)| set);
    for member in &sets[smallest] {
        if others().all(|set| set.contains_value(member)) && !visit(member) {
            return;
        }
    }
}

fn intersection(sets: &[Set], limits: &SetLimits) -> Set {
    let smallest = sets.iter().min_by_key(|set| set.len());
    let is_intset = smallest.is_some_and(|set| set.encoding() == CollectionEncoding::Intset);
    let mut result = if is_intset { empty_intset() } else { Set::new() };
    let mut only_integers = true;
    visit_common(sets, |member| {
        only_integers &= member.parse_integer().is_some();
        result.insert_value(member, limits);
        true
    });
    if only_integers {
        result.make_integers(limits);
    }
    result
}

fn union(sets: &[Set], limits: &SetLimits) -> Set {
    let biggest = (0..sets.len()).max_by_key(|index| sets[*index].len());
    let biggest = biggest.filter(|index| is_certainly_big(&sets[*index], limits));
    // What is big already is shared instead of being built again.
    let mut result = biggest.map_or_else(empty_intset, |index| sets[index].clone());
    for (index, set) in sets.iter().enumerate() {
        if Some(index) != biggest {
            for member in set {
                result.insert_value(member, limits);
            }
        }
    }
    result
}

fn difference(sets: &[Set], limits: &SetLimits) -> Set {
    let Some((first, others)) = sets.split_first() else { return empty_intset() };
    // Either each member of the first is looked up in the others, or all members of the others are taken out of it.
    let lookups = first.len().saturating_mul(others.iter().filter(|set| !set.is_empty()).count() + 1) / 2;
    let removals = sets.iter().map(Set::len).sum::<usize>();
    if lookups <= removals {
        let mut result = empty_intset();
        for member in first {
            if !others.iter().any(|set| set.contains_value(member)) {
                result.insert_value(member, limits);
            }
        }
        return result;
    }
    let mut result = if is_certainly_big(first, limits) {
        first.clone()
    } else {
        union(std::slice::from_ref(first), limits)
    };
    let mut text = Default::default();
    for member in others.iter().flatten() {
        result.remove(member.to_text(&mut text));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    const LIMITS: SetLimits =
        SetLimits { intset_entries_max: 16, listpack_entries_max: 10, listpack_value_bytes_max: 20 };

    fn set_of(members: &BTreeSet<Vec<u8>>) -> Set {
        let first = members.first().map_or(&b""[..], Vec::as_slice);
        let mut set = Set::with_expected(1, first, &LIMITS);
        for member in members {
            set.insert(member, &LIMITS);
        }
        set
    }

    proptest! {
        #[test]
        fn operations_are_those_of_mathematics(
            numbers in prop::collection::vec(prop::collection::btree_set(0_u8..60, 0..40), 1..4),
            only_integers: bool,
        ) {
            let name = |number: &u8| {
                if only_integers { number.to_string() } else { format!("member:{number}") }.into_bytes()
            };
            let models: Vec<BTreeSet<_>> =
                numbers.iter().map(|set| set.iter().map(name).collect()).collect();
            let sets: Vec<Set> = models.iter().map(set_of).collect();
            for operation in [Operation::Intersection, Operation::Union, Operation::Difference] {
                let result = operation.apply(&sets, &LIMITS);
                let contents: BTreeSet<_> = result.iter().map(ListpackValue::to_vec).collect();
                let expected = models[1..].iter().fold(models[0].clone(), |sum, other| match operation {
                    Operation::Intersection => &sum & other,
                    Operation::Union => &sum | other,
                    Operation::Difference => &sum - other,
                });
                prop_assert_eq!(contents.len(), result.len());
                prop_assert_eq!(contents, expected);
            }
        }
    }
}
