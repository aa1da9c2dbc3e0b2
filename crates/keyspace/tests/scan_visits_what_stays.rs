//! SCAN's guarantee: a key present from the first call to the last is visited, however the table changes in between.

use std::collections::HashSet;

use lastsave_keyspace::{Expiry, Keyspace, KeyspaceOptions, NewValue};
use proptest::prelude::*;

fn set(keyspace: &mut Keyspace, name: &str) {
    let key = keyspace.key(name.as_bytes());
    keyspace.db_mut(0).set(&key, NewValue::Integer(1), Expiry::Clear);
}

fn remove(keyspace: &mut Keyspace, name: &str) {
    let key = keyspace.key(name.as_bytes());
    keyspace.db_mut(0).remove(&key);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn keys_that_stay_are_visited_while_others_come_and_go(
        staying in 1..800_usize,
        changes in prop::collection::vec((any::<bool>(), 0..600_usize), 1..200),
    ) {
        let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
        for number in 0..staying {
            set(&mut keyspace, &format!("stays:{number}"));
        }
        let mut visited = HashSet::new();
        let mut others = 0_usize;
        let mut changes = changes.into_iter();
        let mut cursor = 0;
        loop {
            cursor = keyspace.db(0).scan(cursor, |entry| {
                visited.insert(entry.key().to_vec());
            });
            if cursor == 0 {
                break;
            }
            match changes.next() {
                Some((true, count)) => {
                    for number in others..others + count {
                        set(&mut keyspace, &format!("other:{number}"));
                    }
                    others += count;
                }
                Some((false, count)) => {
                    let left = others.saturating_sub(count);
                    for number in left..others {
                        remove(&mut keyspace, &format!("other:{number}"));
                    }
                    others = left;
                }
                None => {}
            }
        }
        for number in 0..staying {
            let key = format!("stays:{number}").into_bytes();
            prop_assert!(visited.contains(&key), "a key that stayed was missed");
        }
    }

    #[test]
    fn any_cursor_leads_to_the_end(cursor in any::<u64>(), keys in 0..500_usize) {
        let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
        for number in 0..keys {
            set(&mut keyspace, &number.to_string());
        }
        let mut cursor = cursor;
        let mut calls = 0;
        loop {
            cursor = keyspace.db(0).scan(cursor, |_| {});
            calls += 1;
            prop_assert!(calls <= 500);
            if cursor == 0 {
                break;
            }
        }
    }
}

#[test]
fn random_keys_are_chosen_evenly() {
    let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
    for number in 0..200 {
        set(&mut keyspace, &number.to_string());
    }
    let mut state = 7_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 20
    };
    let mut hits = std::collections::HashMap::<Vec<u8>, u32>::new();
    for _ in 0..40_000 {
        let entry = keyspace.db(0).random(&mut random).expect("there are keys");
        *hits.entry(entry.key().to_vec()).or_default() += 1;
    }
    assert_eq!(hits.len(), 200);
    assert!(
        hits.values().all(|count| (100..400).contains(count)),
        "expected about 200 hits for each key: {hits:?}"
    );
}
