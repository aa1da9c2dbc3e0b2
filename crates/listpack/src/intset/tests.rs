//! Intsets against an ordered set.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[test]
fn the_width_grows_with_the_members_and_stays() {
    let mut set = Intset::new();
    assert_eq!(set.as_bytes(), [2, 0, 0, 0, 0, 0, 0, 0]);
    for (member, width) in [(1, 2), (-32_768, 2), (32_768, 4), (-2_147_483_648, 4), (2_147_483_648, 8)] {
        assert!(set.insert(member));
        assert_eq!(set.width(), width);
    }
    assert!(set.remove(2_147_483_648));
    assert_eq!(set.width(), 8);
    assert_eq!(set.iter().collect::<Vec<_>>(), [-2_147_483_648, -32_768, 1, 32_768]);
}

#[test]
fn a_refusal_says_what_is_wrong_and_where() {
    let refusal = |bytes: &[u8]| {
        let error = Intset::from_bytes(bytes).unwrap_err();
        (error.offset, error.fault)
    };
    assert_eq!(refusal(&[2, 0, 0]), (0, Fault::TooShort { expected: 8, got: 3 }));
    assert_eq!(refusal(&[3, 0, 0, 0, 0, 0, 0, 0]), (0, Fault::WrongWidth { got: 3 }));
    assert_eq!(refusal(&[8, 0, 0, 0, 1, 0, 0, 0, 1]), (4, Fault::WrongSize { expected: 16, got: 9 }));
    assert_eq!(
        refusal(&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 255, 255]),
        (10, Fault::NotAscending { previous: 1, got: -1 })
    );
    assert_eq!(
        refusal(&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0]),
        (10, Fault::NotAscending { previous: 1, got: 1 })
    );
}

proptest! {
    #[test]
    fn edits_do_what_they_do_to_an_ordered_set(
        edits in prop::collection::vec((any::<bool>(), any::<i64>(), 0..64_u32), 0..80),
    ) {
        let (mut set, mut model) = (Intset::new(), BTreeSet::new());
        for (insert, member, shift) in edits {
            // Few bits make repetitions; the width stays small for a while.
            let member = member >> shift.max(40);
            if insert {
                prop_assert_eq!(set.insert(member), model.insert(member));
            } else {
                prop_assert_eq!(set.remove(member), model.remove(&member));
            }
            prop_assert_eq!(&Intset::from_bytes(set.as_bytes()).unwrap(), &set);
            prop_assert!(set.iter().eq(model.iter().copied()));
            prop_assert!(set.iter().rev().eq(model.iter().rev().copied()));
            prop_assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
            prop_assert_eq!((set.min(), set.max()), (model.first().copied(), model.last().copied()));
            for near in [member - 1, member, member + 1] {
                let smaller = model.range(..near).count();
                let expected = if model.contains(&near) { Ok(smaller) } else { Err(smaller) };
                prop_assert_eq!(set.rank(near), expected);
            }
        }
    }

    #[test]
    fn members_in_any_order_make_the_set_of_single_insertions(members in prop::collection::vec(any::<i32>(), 0..20)) {
        let mut set = Intset::new();
        for member in &members {
            set.insert(i64::from(*member));
        }
        prop_assert_eq!(members.into_iter().map(i64::from).collect::<Intset>(), set);
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_readable(
        width in 0..9_u8,
        count in 0..4_u8,
        members in prop::collection::vec(any::<u8>(), 0..32),
    ) {
        let mut bytes = vec![width, 0, 0, 0, count, 0, 0, 0];
        bytes.extend(members);
        crate::fuzzing::intset(&bytes);
        let used = (8 + usize::from(width) * usize::from(count)).min(bytes.len());
        crate::fuzzing::intset(&bytes[..used]);
    }
}
