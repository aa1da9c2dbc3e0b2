//! Tables against a map, with clones that must not change.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

type Model = HashMap<Vec<u8>, Vec<u8>>;

fn key_of(number: u16) -> Vec<u8> {
    match number % 50 {
        0 => format!("{number}:{}", "k".repeat(300)).into_bytes(),
        1 => format!("{number}:{}", "k".repeat(200)).into_bytes(),
        _ => format!("key:{number}").into_bytes(),
    }
}

fn value_of(shape: Shape, number: u16, salt: u16) -> Vec<u8> {
    match shape {
        Shape::Keys => Vec::new(),
        Shape::Fields if salt.is_multiple_of(7) => vec![b'v'; usize::from(number % 700)],
        Shape::Fields => salt.to_string().into_bytes(),
    }
}

fn check(table: &Table, model: &Model) {
    assert_eq!(table.len(), model.len());
    assert_eq!(table.iter().len(), model.len());
    let contents: Model =
        table.iter().map(|element| (element.key.to_vec(), element.value.as_slice().to_vec())).collect();
    assert_eq!(&contents, model);
    for (key, value) in model {
        assert_eq!(table.get(key), Some(value.as_slice()));
    }
    for (index, element) in table.iter().enumerate() {
        assert_eq!(table.element_at(index).key, element.key);
    }
    let bytes: usize = model.iter().map(|(key, value)| key.len() + value.len()).sum();
    assert!(table.heap_bytes() > bytes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 500, ..ProptestConfig::default() })]

    #[test]
    fn it_is_a_map_and_clones_stay_as_they_are(
        shape in prop::sample::select(vec![Shape::Keys, Shape::Fields]),
        steps in prop::collection::vec((0_u8..10, 0_u16..1500, any::<u16>()), 1..2500),
    ) {
        let mut table = Table::new(shape);
        let mut model = Model::new();
        let mut clones: Vec<(Table, Model)> = Vec::new();
        for (kind, number, salt) in steps {
            let key = key_of(number);
            match kind {
                0..=5 => {
                    let value = value_of(shape, number, salt);
                    let is_new = table.insert(&key, value.as_slice());
                    prop_assert_eq!(is_new, model.insert(key, value).is_none());
                }
                6..=8 => prop_assert_eq!(table.remove(&key), model.remove(&key).is_some()),
                _ if clones.len() < 3 => clones.push((table.clone(), model.clone())),
                _ => {
                    let (clone, model) = clones.swap_remove(usize::from(number) % 3);
                    check(&clone, &model);
                }
            }
        }
        check(&table, &model);
        for (clone, model) in &clones {
            check(clone, model);
        }
        for key in model.keys() {
            prop_assert!(table.remove(key));
        }
        prop_assert!(table.is_empty());
        prop_assert!(table.heap_bytes() < 200, "{}", table.heap_bytes());
    }

    #[test]
    fn a_scan_visits_what_stays(
        staying in 0_u16..2000,
        others in prop::collection::vec((any::<bool>(), 0_u16..300), 0..200),
        count in 1_usize..40,
    ) {
        let mut table = Table::new(Shape::Keys);
        for number in 0..staying {
            table.insert(&key_of(number), &[]);
        }
        let mut visited = HashSet::new();
        let mut others = others.into_iter();
        let mut cursor = 0;
        loop {
            cursor = table.scan(cursor, count, |element| {
                visited.insert(element.key.to_vec());
            });
            if cursor == 0 {
                break;
            }
            if let Some((adds, many)) = others.next() {
                for number in 0..many {
                    let key = format!("other:{number}");
                    if adds {
                        table.insert(key.as_bytes(), &[]);
                    } else {
                        table.remove(key.as_bytes());
                    }
                }
            }
        }
        for number in 0..staying {
            prop_assert!(visited.contains(&key_of(number)));
        }
    }
}

/// A leaf as the tree would divide it, of elements with hashes that the test chooses.
fn leaf_of(hashes: impl Iterator<Item = u32>, key_len: usize) -> TableLeaf {
    let mut leaf = TableLeaf::new(Shape::Fields);
    for (number, hash) in hashes.enumerate() {
        let key = format!("{number:0key_len$}").into_bytes();
        let Err(index) = leaf.find(hash, &key) else { panic!("keys differ") };
        leaf.insert(index, hash, &key, b"value".into());
    }
    leaf
}

#[test]
fn elements_of_one_hash_are_never_separated() {
    let mut leaf = leaf_of((0..200).map(|number| number / 90), 10);
    let upper = leaf.split(crate::tree::Place::Only, &()).expect("there are three hashes");
    assert_eq!((leaf.len(), upper.len()), (180, 20));
    let mut leaf = leaf_of((0..3000).map(|_| 7), 200);
    assert!(leaf.is_over(&()) && leaf.split(crate::tree::Place::Only, &()).is_none());
    assert_eq!(leaf.find(7, format!("{:0200}", 2321).as_bytes()), Ok(2321));
    for _ in 0..3000 {
        leaf.remove(leaf.len() / 2);
    }
    assert_eq!(leaf.heap_bytes(), 0);
}

#[test]
fn long_values_are_shared_with_the_caller() {
    let mut table = Table::new(Shape::Fields);
    let value = bytes::Bytes::from(vec![b'x'; 100_000]);
    table.insert(b"field", &value);
    match table.get_stored(b"field") {
        Some(Stored::Shared(stored)) => assert_eq!(stored.as_ptr(), value.as_ptr()),
        other => panic!("{other:?}"),
    }
    assert!(table.heap_bytes() >= 100_000);
    table.insert(b"field", b"short");
    assert!(table.heap_bytes() < 400);
}

#[test]
fn a_change_of_a_shared_table_copies_one_path() {
    let mut table = Table::new(Shape::Fields);
    for number in 0..200_000_u32 {
        table.insert(number.to_string().as_bytes(), &f64::from(number).to_le_bytes());
    }
    let clone = table.clone();
    table.insert(b"4711", &0_f64.to_le_bytes());
    let copied = table.take_copied_bytes();
    assert!(copied > 0 && copied < 10_000, "{copied}");
    table.insert(b"4711", &1_f64.to_le_bytes());
    assert_eq!(table.take_copied_bytes(), 0);
    assert_eq!(clone.get(b"4711"), Some(&4711_f64.to_le_bytes()[..]));
}

#[test]
fn a_big_table_takes_little_more_than_its_elements() {
    for (shape, bytes_max) in [(Shape::Keys, 27), (Shape::Fields, 40)] {
        let mut table = Table::new(shape);
        for number in 0..200_000_u32 {
            let key = format!("key:{number:06}");
            let value = [b'v'; 8];
            table.insert(key.as_bytes(), if shape == Shape::Keys { &[] } else { &value[..] });
        }
        let bytes = table.heap_bytes() / table.len();
        assert!(bytes <= bytes_max, "{shape:?}: {bytes}");
    }
}
