//! Sets against an ordered set, with clones that must not change.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

type Model = BTreeSet<Vec<u8>>;

const LIMITS: SetLimits =
    SetLimits { intset_entries_max: 16, listpack_entries_max: 10, listpack_value_bytes_max: 20 };

fn check(set: &Set, model: &Model) {
    assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
    let contents: Model = set.iter().map(ListpackValue::to_vec).collect();
    assert_eq!(&contents, model);
    for (index, member) in set.iter().enumerate() {
        assert_eq!(set.at(index), member);
        assert!(set.contains_value(member));
    }
    let mut scanned = Model::new();
    let mut cursor = 0;
    loop {
        cursor = set.scan(cursor, 3, |member| {
            scanned.insert(member.to_vec());
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&scanned, model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_set_and_clones_stay_as_they_are(
        texts in 0_u8..3,
        steps in prop::collection::vec((0_u8..10, 0_u8..30), 1..150),
    ) {
        let mut set = Set::new();
        let mut model = Model::new();
        let mut clones = Vec::new();
        for (kind, number) in steps {
            let member = match texts {
                0 => (i64::from(number) << (number % 50)).to_string(),
                1 if number % 5 == 0 => "long member ".repeat(usize::from(number)),
                _ if number % 3 == 0 => format!("member:{number}"),
                _ => number.to_string(),
            };
            let member = member.into_bytes();
            match kind {
                0..=5 => {
                    if set.is_empty() {
                        set = Set::with_expected(1, &member, &LIMITS);
                    }
                    prop_assert_eq!(set.insert(&member, &LIMITS), model.insert(member));
                }
                6..=7 => prop_assert_eq!(set.remove(&member), model.remove(&member)),
                8 if !set.is_empty() => {
                    let index = usize::from(number) % set.len();
                    model.remove(&set.at(index).to_vec());
                    set.remove_at(index);
                }
                _ => clones.push((set.clone(), model.clone())),
            }
        }
        check(&set, &model);
        for (clone, model) in &clones {
            check(clone, model);
        }
    }
}

fn set_of<'a>(members: impl IntoIterator<Item = &'a str>) -> Set {
    let mut members = members.into_iter().peekable();
    let first = members.peek().copied().unwrap_or_default();
    let mut set = Set::with_expected(1, first.as_bytes(), &LIMITS);
    for member in members {
        set.insert(member.as_bytes(), &LIMITS);
    }
    set
}

#[test]
fn its_form_follows_from_its_members() {
    let numbers: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let few = numbers[..9].iter().map(String::as_str);
    let more = numbers[..10].iter().map(String::as_str);
    let encoding = |set: &Set| set.encoding();
    assert_eq!(encoding(&set_of(few.clone())), CollectionEncoding::Intset);
    assert_eq!(encoding(&set_of(few.clone().chain(["text"]))), CollectionEncoding::Listpack);
    assert_eq!(encoding(&set_of(more.clone().chain(["text"]))), CollectionEncoding::Hashtable);
    assert_eq!(encoding(&set_of(few.chain([&*"x".repeat(21)]))), CollectionEncoding::Hashtable);
    assert_eq!(encoding(&set_of(numbers[..16].iter().map(String::as_str))), CollectionEncoding::Intset);
    assert_eq!(encoding(&set_of(numbers[..17].iter().map(String::as_str))), CollectionEncoding::Hashtable);
    let mut listpack = set_of(["text"].into_iter().chain(more));
    assert_eq!(encoding(&listpack), CollectionEncoding::Hashtable);
    listpack.remove(b"text");
    listpack.make_integers(&LIMITS);
    assert_eq!(encoding(&listpack), CollectionEncoding::Intset);
}

#[test]
fn many_expected_members_unpack_it() {
    let encoding = |set: &Set| set.encoding();
    assert_eq!(encoding(&Set::with_expected(16, b"1", &LIMITS)), CollectionEncoding::Intset);
    assert_eq!(encoding(&Set::with_expected(17, b"1", &LIMITS)), CollectionEncoding::Hashtable);
    assert_eq!(encoding(&Set::with_expected(11, b"a", &LIMITS)), CollectionEncoding::Hashtable);
    let mut set = set_of(["1"]);
    set.expect_more(16, &LIMITS);
    assert_eq!(encoding(&set), CollectionEncoding::Intset);
    set.expect_more(17, &LIMITS);
    assert_eq!((encoding(&set), set.len()), (CollectionEncoding::Hashtable, 1));
}
