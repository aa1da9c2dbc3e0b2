//! Ordered maps against a `BTreeMap`, with clones that must not change.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{OrderedMap, Part};

/// A value with a map of its own.
#[derive(Debug, Clone, Default)]
struct Nested(OrderedMap<u64, ()>);

impl Part for Nested {
    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }

    fn take_copied_bytes(&mut self) -> usize {
        self.0.take_copied_bytes()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert(u64, u64),
    InsertRun(u64, u64),
    Remove(u64),
    RemoveRun(u64, u64),
    Edit(u64),
    Snapshot,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..400_u64, any::<u64>()).prop_map(|(key, value)| Step::Insert(key, value)),
        2 => (0..2000_u64, 1..250_u64).prop_map(|(start, count)| Step::InsertRun(start, count)),
        4 => (0..400_u64).prop_map(Step::Remove),
        2 => (0..2000_u64, 1..250_u64).prop_map(|(start, count)| Step::RemoveRun(start, count)),
        2 => (0..400_u64).prop_map(Step::Edit),
        1 => Just(Step::Snapshot),
    ];
    prop::collection::vec(step, 1..60)
}

fn assert_same(map: &OrderedMap<u64, u64>, model: &BTreeMap<u64, u64>) {
    assert_eq!(map.len(), model.len());
    assert!(map.iter().eq(model.iter()));
    assert_eq!(map.last(), model.last_key_value());
    for start in [0, 100, 399, 1500] {
        assert!(map.iter_from(&start).eq(model.range(start..)), "from {start}");
    }
    let rebuilt = map.iter().fold(OrderedMap::default(), |mut rebuilt, (key, value)| {
        rebuilt.insert(*key, *value);
        rebuilt
    });
    assert_eq!(rebuilt.len(), map.len());
    assert!(map.len() == 0 || map.heap_bytes() >= map.len() * 16);
}

proptest! {
    #[test]
    fn it_is_a_map_and_its_clones_stay_as_they_are(steps in steps()) {
        let (mut map, mut model) = (OrderedMap::default(), BTreeMap::new());
        let mut snapshots = Vec::new();
        for step in steps {
            match step {
                Step::Insert(key, value) => prop_assert_eq!(map.insert(key, value), model.insert(key, value)),
                Step::InsertRun(start, count) => {
                    for key in start..start + count {
                        prop_assert_eq!(map.insert(key, count), model.insert(key, count));
                    }
                }
                Step::Remove(key) => prop_assert_eq!(map.remove(&key), model.remove(&key)),
                Step::RemoveRun(start, count) => {
                    for key in start..start + count {
                        prop_assert_eq!(map.remove(&key), model.remove(&key));
                    }
                }
                Step::Edit(key) => {
                    let edited = map.edit(&key, |value| {
                        *value = value.wrapping_add(1);
                        *value
                    });
                    let expected = model.get_mut(&key).map(|value| {
                        *value = value.wrapping_add(1);
                        *value
                    });
                    prop_assert_eq!(edited, expected);
                }
                Step::Snapshot => snapshots.push((map.clone(), model.clone())),
            }
            prop_assert_eq!(map.get(&7), model.get(&7));
        }
        assert_same(&map, &model);
        for (map, model) in &snapshots {
            assert_same(map, model);
        }
    }
}

#[test]
fn one_change_of_a_shared_map_copies_one_path() {
    let mut map = OrderedMap::default();
    for key in 0..200_000_u64 {
        map.insert(key, key);
    }
    let bytes = map.heap_bytes();
    let snapshot = map.clone();
    map.remove(&77_777);
    let copied = map.take_copied_bytes();
    assert!((1..20_000).contains(&copied), "{copied} bytes copied");
    map.insert(77_777, 1);
    assert_eq!(map.take_copied_bytes(), 0);
    assert!(map.heap_bytes() <= bytes + 4096);
    assert_eq!((snapshot.get(&77_777), map.get(&77_777)), (Some(&77_777), Some(&1)));
}

#[test]
fn keys_in_order_fill_their_leaves() {
    let mut map = OrderedMap::default();
    for key in 0..100_000_u64 {
        map.insert(key, ());
    }
    assert!(map.heap_bytes() < 100_000 * 8 * 11 / 10, "{} bytes", map.heap_bytes());
}

#[test]
fn what_values_copy_and_allocate_is_counted() {
    let mut map: OrderedMap<u64, Nested> = OrderedMap::default();
    map.insert(1, Nested::default());
    for key in 0..10_000 {
        map.edit(&1, |nested| nested.0.insert(key, ()));
    }
    assert!(map.heap_bytes() > 80_000);
    assert_eq!(map.take_copied_bytes(), 0);
    let snapshot = map.clone();
    map.edit(&1, |nested| nested.0.remove(&500));
    let copied = map.take_copied_bytes();
    assert!((2048..10_000).contains(&copied), "{copied} bytes copied");
    assert_eq!(snapshot.get(&1).map(|nested| nested.0.len()), Some(10_000));
}
