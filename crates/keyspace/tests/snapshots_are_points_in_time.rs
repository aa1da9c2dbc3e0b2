//! Overlapping snapshots, ended in any order, each equal a deep copy taken at its cut, whatever is written meanwhile.

mod common;

use common::{DATABASES, Kind, Operation, Pair};
use lastsave_keyspace::{Keyspace, KeyspaceOptions};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn keyspace(seed: u64) -> Keyspace {
    Keyspace::new(&KeyspaceOptions { databases: DATABASES, hash_seed: Some([seed, 2, 3, 4]) })
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        any::<i64>().prop_map(Kind::Integer),
        (0..100_u8).prop_map(Kind::Short),
        (1..6000_u16).prop_map(Kind::Long),
        (1..6000_u16).prop_map(Kind::Shared),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let db = 0..DATABASES;
    let key = 0..400_u32;
    let expiry = prop::option::of(any::<u16>());
    prop_oneof![
        30 => (db.clone(), key.clone(), kind(), expiry.clone(), any::<bool>())
            .prop_map(|(db, key, value, expiry, keep)| Operation::Set { db, key, value, expiry, keep }),
        10 => (db.clone(), key.clone()).prop_map(|(db, key)| Operation::Remove { db, key }),
        5 => (db.clone(), key.clone(), expiry).prop_map(|(db, key, expiry)| Operation::SetExpiry { db, key, expiry }),
        5 => (db.clone(), key.clone(), 0..3000_u16).prop_map(|(db, key, len)| Operation::Append { db, key, len }),
        5 => (db.clone(), key.clone(), 0..5000_u16, 0..50_u16)
            .prop_map(|(db, key, offset, len)| Operation::WriteRange { db, key, offset, len }),
        5 => (db.clone(), key.clone(), any::<i64>())
            .prop_map(|(db, key, number)| Operation::SetInteger { db, key, number }),
        5 => (db.clone(), key.clone(), key.clone()).prop_map(|(db, from, to)| Operation::Rename { db, from, to }),
        4 => (db.clone(), db.clone(), key.clone())
            .prop_filter("two databases", |(from, to, _)| from != to)
            .prop_map(|(from, to, key)| Operation::Move { from, to, key }),
        4 => (db.clone(), key.clone(), db.clone(), key.clone())
            .prop_map(|(from, key, to, target)| Operation::Copy { from, key, to, target }),
        2 => (db.clone(), db.clone()).prop_map(|(first, second)| Operation::Swap { first, second }),
        4 => (db.clone(), key.clone(), 0..400_u16).prop_map(|(db, first, count)| Operation::Fill { db, first, count }),
        3 => (db.clone(), key, 0..400_u16).prop_map(|(db, first, count)| Operation::Clear { db, first, count }),
        1 => db.prop_map(|db| Operation::Flush { db }),
        1 => Just(Operation::FlushAll),
        8 => Just(Operation::Cut),
        10 => (0..3_usize, 0..20_u8).prop_map(|(which, steps)| Operation::Read { which, steps }),
        5 => (0..3_usize).prop_map(|which| Operation::Finish { which }),
        5 => Just(Operation::Reap),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn each_snapshot_equals_a_deep_copy_at_its_cut(
        seed in any::<u64>(),
        operations in prop::collection::vec(operation(), 1..120),
    ) {
        let mut pair = Pair::new(keyspace(seed));
        for operation in &operations {
            pair.apply(operation);
        }
        pair.check();
        pair.tear_down();
    }
}

/// Long runs over many keys, so that tables grow and shrink through several levels under snapshots.
#[test]
fn long_runs_through_many_table_sizes() {
    for seed in 0..2_u64 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut pair = Pair::new(keyspace(seed));
        for round in 0..40 {
            let growing = (round / 10) % 2 == 0;
            let db = random.random_range(0..DATABASES);
            let first = random.random_range(0..8_000);
            let count = random.random_range(0..2000);
            pair.apply(&if growing {
                Operation::Fill { db, first, count }
            } else {
                Operation::Clear { db, first, count }
            });
            for _ in 0..50 {
                let key = random.random_range(0..8_000);
                pair.apply(&match random.random_range(0..8) {
                    0 => Operation::Cut,
                    1 => Operation::Finish { which: random.random_range(0..3) },
                    2 => Operation::Read { which: random.random_range(0..3), steps: random.random() },
                    3 => Operation::Rename { db, from: key, to: random.random_range(0..8_000) },
                    4 => Operation::Reap,
                    5 => Operation::SetExpiry { db, key, expiry: Some(random.random()) },
                    6 => Operation::Swap { first: db, second: 0 },
                    _ => Operation::Set {
                        db,
                        key,
                        value: Kind::Short(random.random()),
                        expiry: None,
                        keep: true,
                    },
                });
            }
        }
        pair.tear_down();
    }
}
