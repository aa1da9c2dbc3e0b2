//! Hashes against a map, with clones that must not change.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

const LIMITS: HashLimits = HashLimits { listpack_entries_max: 12, listpack_value_bytes_max: 20 };

fn check(hash: &Hash, model: &Model) {
    assert_eq!((hash.len(), hash.is_empty()), (model.len(), model.is_empty()));
    let contents: Model = hash.iter().map(|(field, value)| (field.to_vec(), value.text().to_vec())).collect();
    assert_eq!(&contents, model);
    for (index, (field, value)) in hash.iter().enumerate() {
        let (field_at, value_at) = hash.at(index);
        assert_eq!((field_at, value_at.text()), (field, value.text()));
        let got = hash.get(&field.to_vec()).expect("the field is there");
        assert_eq!(got.text(), value.text());
    }
    let mut scanned = Model::new();
    let mut cursor = 0;
    loop {
        cursor = hash.scan(cursor, 3, |field, value| {
            scanned.insert(field.to_vec(), value.text().to_vec());
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
    fn it_is_a_map_and_clones_stay_as_they_are(
        steps in prop::collection::vec((0_u8..10, 0_u8..25, "[0-9]{1,3}|[a-z]{0,30}"), 1..150),
    ) {
        let mut hash = Hash::new();
        let mut model = Model::new();
        let mut clones = Vec::new();
        for (kind, number, value) in steps {
            let field = if number % 2 == 0 { number.to_string() } else { format!("field:{number}") };
            let (field, value) = (field.into_bytes(), value.into_bytes());
            match kind {
                0..=5 => {
                    let is_new = hash.set(&field, &value, &LIMITS);
                    prop_assert_eq!(is_new, model.insert(field, value).is_none());
                }
                6..=8 => prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
                _ => clones.push((hash.clone(), model.clone())),
            }
            let is_small = hash.len() <= LIMITS.listpack_entries_max;
            prop_assert!(is_small || hash.as_listpack().is_none());
        }
        check(&hash, &model);
        for (clone, model) in &clones {
            check(clone, model);
        }
    }
}

#[test]
fn it_is_unpacked_beyond_its_limits_and_stays_so() {
    let mut hash = Hash::new();
    for number in 0..12 {
        hash.set(number.to_string().as_bytes(), b"value", &LIMITS);
    }
    assert_eq!(hash.encoding(), CollectionEncoding::Listpack);
    let mut by_value = hash.clone();
    hash.set(b"one more", b"value", &LIMITS);
    assert_eq!(hash.encoding(), CollectionEncoding::Hashtable);
    hash.remove(b"one more");
    assert_eq!(hash.encoding(), CollectionEncoding::Hashtable);
    by_value.set(b"1", &[b'x'; 21], &LIMITS);
    assert_eq!(by_value.encoding(), CollectionEncoding::Hashtable);
}

#[test]
fn a_listpack_of_odd_length_is_no_hash() {
    let mut listpack = Listpack::new();
    listpack.append_many([&b"field"[..], b"value", b"other"]);
    assert_eq!(Hash::from_listpack(listpack).expect_err("a value is missing"), NotAHash);
}
