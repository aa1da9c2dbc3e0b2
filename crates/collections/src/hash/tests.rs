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

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn fields_expire_in_their_time(
        entries_max in prop::sample::select(vec![0_usize, 12, 512]),
        steps in prop::collection::vec((0_u8..12, 0_u8..40, 1_i64..100), 1..200),
    ) {
        let limits = HashLimits { listpack_entries_max: entries_max, listpack_value_bytes_max: 20 };
        let mut hash = Hash::new();
        let mut model: BTreeMap<Vec<u8>, Option<i64>> = BTreeMap::new();
        let mut clones = Vec::new();
        let mut now_ms = 0;
        for (kind, number, time_ms) in steps {
            let field = number.to_string().into_bytes();
            match kind {
                0..=3 => {
                    prop_assert_eq!(hash.set(&field, b"v", &limits), model.insert(field, None).is_none());
                }
                4..=6 if model.contains_key(&field) => {
                    hash.set_expiry(&field, now_ms + time_ms);
                    model.insert(field, Some(now_ms + time_ms));
                }
                7 if model.contains_key(&field) => {
                    let had = model.insert(field.clone(), None).flatten().is_some();
                    prop_assert_eq!(hash.clear_expiry(&field), had);
                }
                8 => prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some()),
                9 if model.contains_key(&field) => prop_assert!(!hash.update(&field, b"w", &limits)),
                10 => {
                    now_ms += time_ms / 4;
                    let mut gone = hash.take_expired(now_ms, usize::MAX);
                    gone.sort();
                    let is_due = |time: &Option<i64>| time.is_some_and(|time| time < now_ms);
                    let due: Vec<_> = model.iter().filter(|(_, time)| is_due(time)).map(|(field, _)| field.clone()).collect();
                    prop_assert_eq!(gone, due);
                    model.retain(|_, time| !is_due(time));
                }
                _ => clones.push((hash.clone(), model.clone())),
            }
            clones.push((hash.clone(), model.clone()));
            if clones.len() > 4 {
                clones.remove(0);
            }
        }
        for (hash, model) in &clones {
            prop_assert_eq!(hash.len(), model.len());
            prop_assert_eq!(hash.expiring_len(), model.values().flatten().count());
            prop_assert_eq!(hash.next_expiry_ms(), model.values().flatten().min().copied());
            for (field, time) in model {
                prop_assert!(hash.contains(field));
                prop_assert_eq!(hash.expires_at_ms(field), *time);
            }
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
