//! Every rule of the simulated crash: what must survive, what may be lost, and that both do happen.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use lastsave_storage::sim::{CrashProfile, SimulatedRandom, SimulatedStorage};
use lastsave_storage::{File, OpenOptions, Storage};

const ROOT: &str = "";

fn create(storage: &SimulatedStorage, name: &str) -> Arc<dyn File> {
    storage.open(Path::new(name), &OpenOptions::create_new().read(true)).unwrap()
}

/// A machine with one durable file.
fn with_file(name: &str, bytes: &[u8]) -> (SimulatedStorage, Arc<dyn File>) {
    let storage = SimulatedStorage::new(1);
    storage.put(name, bytes).unwrap();
    let file = storage.open(Path::new(name), &OpenOptions::read_write()).unwrap();
    (storage, file)
}

/// What is seen of the machine after each of many crashes.
fn outcomes<T: Ord>(storage: &SimulatedStorage, look: impl Fn(&SimulatedStorage) -> T) -> BTreeSet<T> {
    let mut random = SimulatedRandom::new(7);
    (0..600).map(|_| look(&storage.crash(&mut random))).collect()
}

fn sync_root(storage: &SimulatedStorage) {
    storage.sync_directory(Path::new(ROOT)).unwrap();
}

#[test]
fn synced_bytes_and_names_always_survive() {
    let storage = SimulatedStorage::new(1);
    let file = create(&storage, "log");
    file.write_all_at(&[7; 10_000], 0).unwrap();
    file.datasync().unwrap();
    sync_root(&storage);
    assert_eq!(outcomes(&storage, |after| after.contents("log")), BTreeSet::from([Some(vec![7; 10_000])]));
}

#[test]
fn a_synced_file_without_a_synced_name_may_be_gone() {
    let storage = SimulatedStorage::new(1);
    let file = create(&storage, "log");
    file.write_all_at(b"data", 0).unwrap();
    file.sync().unwrap();
    let expected = BTreeSet::from([None, Some(b"data".to_vec())]);
    assert_eq!(outcomes(&storage, |after| after.contents("log")), expected);
}

#[test]
fn a_synced_name_may_lead_to_an_empty_zeroed_or_complete_file() {
    let storage = SimulatedStorage::new(1);
    let file = create(&storage, "log");
    file.write_all_at(b"data", 0).unwrap();
    sync_root(&storage);
    let found = outcomes(&storage, |after| after.contents("log").unwrap());
    assert!(found.contains(&b""[..]) && found.contains(&b"data"[..]) && found.contains(&[0u8; 4][..]));
    assert!(found.iter().any(|bytes| bytes.len() == 4 && bytes != b"data" && bytes != &[0; 4]), "garbage");
}

#[test]
fn an_unsynced_overwrite_of_one_sector_is_lost_or_kept_whole() {
    let (storage, file) = with_file("log", &[b'a'; 4096]);
    file.write_all_at(&[b'b'; 100], 512).unwrap();
    let found = outcomes(&storage, |after| {
        let bytes = after.contents("log").unwrap();
        assert_eq!(bytes.len(), 4096);
        bytes.iter().filter(|byte| **byte == b'b').count()
    });
    assert_eq!(found, BTreeSet::from([0, 100]));
}

#[test]
fn an_unsynced_overwrite_of_many_sectors_may_be_torn() {
    let (storage, file) = with_file("log", &[b'a'; 4096]);
    file.write_all_at(&[b'b'; 4096], 0).unwrap();
    let found = outcomes(&storage, |after| {
        let bytes = after.contents("log").unwrap();
        let sectors: Vec<u8> = bytes.chunks(512).map(|sector| sector[0]).collect();
        assert!(bytes.chunks(512).all(|sector| sector.iter().all(|byte| *byte == sector[0])));
        sectors
    });
    assert!(found.contains(&vec![b'a'; 8]) && found.contains(&vec![b'b'; 8]));
    assert!(found.len() > 50, "many ways to tear: {}", found.len());
}

#[test]
fn pages_reach_the_disk_in_any_order() {
    let (storage, file) = with_file("log", &[b'a'; 3 * 4096]);
    for page in 0..3 {
        file.write_all_at(b"b", page * 4096).unwrap();
    }
    let found = outcomes(&storage, |after| {
        let bytes = after.contents("log").unwrap();
        [bytes[0], bytes[4096], bytes[8192]]
    });
    assert_eq!(found.len(), 8, "every subset of the three writes");
}

#[test]
fn a_page_may_show_any_write_since_the_sync_but_none_before_it() {
    let (storage, file) = with_file("log", b"0");
    for byte in [b"1", b"2"] {
        file.write_all_at(byte, 0).unwrap();
    }
    file.datasync().unwrap();
    for byte in [b"3", b"4", b"5"] {
        file.write_all_at(byte, 0).unwrap();
    }
    let found = outcomes(&storage, |after| after.contents("log").unwrap()[0]);
    assert_eq!(found, BTreeSet::from([b'2', b'3', b'4', b'5']));
}

#[test]
fn a_length_is_lost_or_kept_whatever_became_of_the_bytes() {
    let (storage, file) = with_file("log", &[b'a'; 4000]);
    file.write_all_at(&[b'b'; 200], 4000).unwrap(); // crosses into the second page
    let found = outcomes(&storage, |after| {
        let bytes = after.contents("log").unwrap();
        assert_eq!(bytes[..4000], [b'a'; 4000]);
        (bytes.len(), bytes[4000..].contains(&b'b'))
    });
    assert!(
        found.contains(&(4000, false)) && found.contains(&(4200, true)) && found.contains(&(4200, false))
    );
    assert!(found.iter().all(|(len, _)| [4000, 4200].contains(len)));
}

#[test]
fn an_unsynced_cut_may_be_undone_and_a_synced_one_not() {
    let (storage, file) = with_file("log", &[b'a'; 9000]);
    file.truncate(10).unwrap();
    let lengths =
        |storage| outcomes(storage, |after: &SimulatedStorage| after.contents("log").unwrap().len());
    assert_eq!(lengths(&storage), BTreeSet::from([10, 9000]));
    file.datasync().unwrap();
    assert_eq!(lengths(&storage), BTreeSet::from([10]));
    file.truncate(5000).unwrap();
    file.datasync().unwrap();
    let mut expected = vec![b'a'; 10];
    expected.resize(5000, 0);
    assert_eq!(outcomes(&storage, |after| after.contents("log").unwrap()), BTreeSet::from([expected]));
}

#[test]
fn an_unsynced_rename_is_lost_or_kept_but_never_half() {
    let (storage, _file) = with_file("old", b"x");
    storage.rename(Path::new("old"), Path::new("new")).unwrap();
    let names = |after: &SimulatedStorage| (after.contents("old").is_some(), after.contents("new").is_some());
    assert_eq!(outcomes(&storage, names), BTreeSet::from([(true, false), (false, true)]));
    sync_root(&storage);
    assert_eq!(outcomes(&storage, names), BTreeSet::from([(false, true)]));
}

#[test]
fn a_rename_over_a_file_leaves_the_one_or_the_other() {
    let storage = SimulatedStorage::new(1);
    storage.put("temp", b"new".as_slice()).unwrap();
    storage.put("target", b"old".as_slice()).unwrap();
    storage.rename(Path::new("temp"), Path::new("target")).unwrap();
    let found =
        outcomes(&storage, |after| (after.contents("target").unwrap(), after.contents("temp").is_some()));
    assert_eq!(found, BTreeSet::from([(b"old".to_vec(), true), (b"new".to_vec(), false)]));
}

#[test]
fn an_unsynced_unlink_or_link_is_lost_or_kept() {
    let storage = SimulatedStorage::new(1);
    storage.put("gone", b"1".as_slice()).unwrap();
    storage.put("kept", b"2".as_slice()).unwrap();
    storage.unlink(Path::new("gone")).unwrap();
    storage.hard_link(Path::new("kept"), Path::new("second")).unwrap();
    let names = |after: &SimulatedStorage| (after.contents("gone"), after.contents("second"));
    assert_eq!(outcomes(&storage, names).len(), 4, "each independent of the other");
    sync_root(&storage);
    assert_eq!(outcomes(&storage, names), BTreeSet::from([(None, Some(b"2".to_vec()))]));
}

#[test]
fn names_may_be_reordered_across_files() {
    let storage = SimulatedStorage::new(1);
    drop((create(&storage, "first"), create(&storage, "second")));
    let found =
        outcomes(&storage, |after| (after.contents("first").is_some(), after.contents("second").is_some()));
    assert_eq!(found.len(), 4);
}

#[test]
fn a_directory_without_a_durable_name_takes_its_files_along() {
    let storage = SimulatedStorage::new(1);
    storage.create_directory(Path::new("d")).unwrap();
    let file = create(&storage, "d/file");
    file.write_all_at(b"x", 0).unwrap();
    file.sync().unwrap();
    storage.sync_directory(Path::new("d")).unwrap();
    let found = outcomes(&storage, |after| (after.files().len(), after.list(Path::new("d")).is_ok()));
    assert_eq!(found, BTreeSet::from([(0, false), (1, true)]));
    sync_root(&storage);
    assert_eq!(outcomes(&storage, |after| after.contents("d/file")), BTreeSet::from([Some(b"x".to_vec())]));
}

#[test]
fn syncing_one_directory_says_nothing_about_another() {
    let storage = SimulatedStorage::new(1);
    for directory in ["a", "b"] {
        storage.create_directory(Path::new(directory)).unwrap();
    }
    sync_root(&storage);
    drop((create(&storage, "a/file"), create(&storage, "b/file")));
    storage.sync_directory(Path::new("a")).unwrap();
    let found =
        outcomes(&storage, |after| (after.contents("a/file").is_some(), after.contents("b/file").is_some()));
    assert_eq!(found, BTreeSet::from([(true, false), (true, true)]));
}

#[test]
fn extreme_profiles_are_exact() {
    let (storage, file) = with_file("log", b"durable");
    file.write_all_at(b" and not", 7).unwrap();
    create(&storage, "new");
    let mut random = SimulatedRandom::new(1);
    let lost = storage.crash_as(CrashProfile::LoseUnsynced, &mut random);
    assert_eq!((lost.contents("log").unwrap(), lost.contents("new")), (b"durable".to_vec(), None));
    let kept = storage.crash_as(CrashProfile::KeepUnsynced, &mut random);
    assert_eq!(
        (kept.contents("log").unwrap(), kept.contents("new")),
        (b"durable and not".to_vec(), Some(vec![]))
    );
    assert_eq!(storage.durable_contents("log").unwrap(), b"durable");
    assert_eq!(storage.durable_contents("new"), None);
}

#[test]
fn a_kill_keeps_what_was_written_but_does_not_make_it_durable() {
    let (storage, file) = with_file("log", b"durable");
    let guard = storage.lock(Path::new(ROOT)).unwrap();
    file.write_all_at(b" and not", 7).unwrap();
    let mut random = SimulatedRandom::new(1);
    let after = storage.kill(&mut random);
    assert_eq!(after.contents("log").unwrap(), b"durable and not");
    assert_eq!(after.durable_contents("log").unwrap(), b"durable");
    drop(after.lock(Path::new(ROOT)).unwrap());
    drop(guard);
    after.settle();
    assert_eq!(after.durable_contents("log").unwrap(), b"durable and not");
}

#[test]
fn what_survived_a_crash_is_durable() {
    let (storage, file) = with_file("log", &[b'a'; 5000]);
    file.write_all_at(&[b'b'; 5000], 2500).unwrap();
    storage.rename(Path::new("log"), Path::new("moved")).unwrap();
    let mut random = SimulatedRandom::new(11);
    for _ in 0..50 {
        let once = storage.crash(&mut random);
        let twice = once.crash(&mut random);
        assert_eq!(once.files(), twice.files());
        for name in once.files().keys() {
            assert_eq!(once.contents(name), twice.contents(name));
            assert_eq!(once.contents(name), once.durable_contents(name));
        }
    }
}

#[test]
fn one_seed_is_one_history() {
    let history = |seed| {
        let storage = SimulatedStorage::new(seed);
        storage.make_short(3);
        let file = create(&storage, "log");
        let moved: Vec<usize> =
            (0..50).map(|index| file.write_at(&[1; 300], index * 1000).unwrap()).collect();
        let mut random = SimulatedRandom::new(seed);
        (moved, storage.crash(&mut random).contents("log"))
    };
    assert_eq!(history(5), history(5));
    assert_ne!(history(5), history(6));
}

#[test]
fn an_open_file_outlives_its_name_until_the_crash() {
    let (storage, file) = with_file("log", b"x");
    storage.unlink(Path::new("log")).unwrap();
    sync_root(&storage);
    file.write_all_at(b"yz", 1).unwrap();
    let mut found = [0; 3];
    file.read_exact_at(&mut found, 0).unwrap();
    assert_eq!(&found, b"xyz");
    assert_eq!(outcomes(&storage, |after| after.files().len()), BTreeSet::from([0]));
}
