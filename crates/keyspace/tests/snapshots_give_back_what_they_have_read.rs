//! What writers replace while a snapshot is read is freed as the reader passes it, not when the snapshot ends.

use std::convert::Infallible;

use lastsave_keyspace::{Expiry, Keyspace, KeyspaceOptions, NewValue, Snapshot};

const KEYS: u64 = 40_000;

fn overwrite_all(keyspace: &mut Keyspace, byte: u8) {
    for number in 0..KEYS {
        let name = format!("key:{number}");
        let key = keyspace.key(name.as_bytes());
        keyspace.db_mut(0).set(&key, NewValue::Bytes(&[byte; 100]), Expiry::Clear);
    }
}

fn read_keys(snapshot: &mut Snapshot, wanted: u64) {
    let mut seen = 0;
    while seen < wanted {
        let database = snapshot
            .visit_next(|_| {
                seen += 1;
                Ok::<_, Infallible>(())
            })
            .expect("visiting cannot fail");
        assert!(database.is_some(), "there are enough keys");
    }
}

fn retired_bytes(keyspace: &mut Keyspace) -> usize {
    keyspace.wait_for_reclaim();
    keyspace.memory().retired_bytes
}

fn keyspace() -> Keyspace {
    let mut keyspace = Keyspace::new(&KeyspaceOptions { databases: 1, hash_seed: Some([1, 2, 3, 4]) });
    overwrite_all(&mut keyspace, 1);
    keyspace
}

#[test]
fn what_the_reader_has_passed_is_freed_while_it_goes_on() {
    let mut keyspace = keyspace();
    let live_bytes = keyspace.memory().live_bytes;
    let mut snapshot = keyspace.snapshot();
    overwrite_all(&mut keyspace, 2);
    let all = retired_bytes(&mut keyspace);
    assert!(all > live_bytes * 9 / 10, "everything was copied: {all} of {live_bytes}");
    let mut held = all;
    for quarter in 1..4 {
        read_keys(&mut snapshot, KEYS / 4);
        held = retired_bytes(&mut keyspace);
        let expected = all / 4 * (4 - quarter);
        assert!(held < expected + all / 10, "{held} of {all} are held after {quarter} quarters");
    }
    assert!(held > all / 10, "the last quarter is still to be read");
    drop(snapshot);
    keyspace.reap_snapshots();
    assert_eq!(retired_bytes(&mut keyspace), 0);
}

#[test]
fn an_older_snapshot_keeps_what_a_younger_one_has_passed() {
    let mut keyspace = keyspace();
    let mut older = keyspace.snapshot();
    let mut younger = keyspace.snapshot();
    overwrite_all(&mut keyspace, 2);
    let all = retired_bytes(&mut keyspace);
    read_keys(&mut younger, KEYS);
    assert_eq!(retired_bytes(&mut keyspace), all);
    drop(younger);
    keyspace.reap_snapshots();
    assert_eq!(retired_bytes(&mut keyspace), all, "the older one has read nothing");
    read_keys(&mut older, KEYS);
    drop(older);
    keyspace.reap_snapshots();
    assert_eq!(retired_bytes(&mut keyspace), 0);
}
