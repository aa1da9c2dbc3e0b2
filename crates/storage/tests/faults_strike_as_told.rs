//! Injected faults: a full disk, a failing device, short I/O, slow syncs, a crash at a chosen operation.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lastsave_storage::sim::{CrashProfile, Fault, SimulatedRandom, SimulatedStorage};
use lastsave_storage::{Clock, Errno, File, FileReader, OpenOptions, Operation, Storage};

fn create(storage: &SimulatedStorage, name: &str) -> Arc<dyn File> {
    storage.open(Path::new(name), &OpenOptions::create_new().read(true)).unwrap()
}

#[test]
fn a_disk_fills_up_with_a_short_write_and_then_an_error() {
    for errno in [Errno::NO_SPACE, Errno::QUOTA_EXCEEDED] {
        let storage = SimulatedStorage::new(1);
        storage.limit_space(10, errno);
        let file = create(&storage, "log");
        assert_eq!(file.write_at(b"12345678", 0).unwrap(), 8);
        assert_eq!(file.write_at(b"abcd", 8).unwrap(), 2);
        let error = file.write_at(b"cd", 10).unwrap_err();
        assert!(error.is_full() && error.errno() == Some(errno));
        assert!(file.allocate(0, 11).unwrap_err().is_full());
        assert_eq!(file.write_at(b"over", 0).unwrap(), 4, "an overwrite needs no space");
        assert_eq!(storage.space().unwrap().available_bytes, 0);

        file.truncate(4).unwrap();
        assert_eq!(file.write_at(b"567890x", 4).unwrap(), 6);
        storage.unlink(Path::new("log")).unwrap();
        let other = create(&storage, "other");
        assert!(other.write_at(b"x", 0).unwrap_err().is_full(), "an open file keeps its space");
        drop(file);
        assert_eq!(other.write_at(b"x", 0).unwrap(), 1);
        storage.lift_space_limit();
        other.write_all_at(&[0; 100], 0).unwrap();
    }
}

#[test]
fn a_failed_sync_loses_pages_and_the_next_one_does_not_notice() {
    let mut lost = 0;
    for seed in 0..40 {
        let storage = SimulatedStorage::new(seed);
        storage.put("log", vec![b'a'; 3 * 4096]).unwrap();
        let file = storage.open(Path::new("log"), &OpenOptions::read_write()).unwrap();
        file.write_all_at(&[b'b'; 3 * 4096], 0).unwrap();
        storage.inject(Fault::fail(Operation::Datasync, Errno::IO));
        assert!(file.datasync().unwrap_err().is_io_error());
        file.datasync().unwrap();

        assert_eq!(storage.contents("log").unwrap(), [b'b'; 3 * 4096], "the page cache has the new bytes");
        let durable = storage.durable_contents("log").unwrap();
        lost += durable.chunks(4096).filter(|page| page[0] == b'a').count();

        // Whoever reads past the cache sees it.
        let mut found = Vec::new();
        std::io::Read::read_to_end(&mut FileReader::uncached(Arc::clone(&file)).unwrap(), &mut found)
            .unwrap();
        assert_eq!(found, durable);

        // A page that is written again is dirty again, as a whole.
        file.write_all_at(b"c", 5000).unwrap();
        file.datasync().unwrap();
        assert_eq!(storage.durable_contents("log").unwrap()[5000], b'c');
    }
    assert!((30..120).contains(&lost), "{lost} of 120 pages");
}

#[test]
fn the_length_stays_dirty_after_a_failed_sync() {
    let storage = SimulatedStorage::new(4);
    let file = create(&storage, "log");
    storage.sync_directory(Path::new("")).unwrap();
    file.write_all_at(&[b'x'; 5000], 0).unwrap();
    storage.inject(Fault::fail(Operation::Sync, Errno::IO));
    file.sync().unwrap_err();
    assert_eq!(storage.durable_contents("log").unwrap().len(), 0);
    file.sync().unwrap();
    assert_eq!(storage.durable_contents("log").unwrap().len(), 5000);
}

#[test]
fn a_failed_write_does_nothing() {
    let storage = SimulatedStorage::new(1);
    let file = create(&storage, "log");
    storage.inject(Fault::fail(Operation::Write, Errno::IO).on_path("log"));
    assert!(file.write_at(b"x", 0).unwrap_err().is_io_error());
    assert_eq!(file.len().unwrap(), 0);
    file.write_all_at(b"x", 0).unwrap();

    let number = storage.operations() + 1;
    storage.inject(Fault::fail_at(number, Errno::NO_SPACE));
    file.write_all_at(b"y", 0).unwrap();
    assert!(file.truncate(0).unwrap_err().is_full());
    assert_eq!(storage.contents("log").unwrap(), b"y");

    storage.inject(Fault::fail(Operation::SyncDirectory, Errno::IO));
    storage.sync_directory(Path::new("")).unwrap_err();
    assert_eq!(storage.durable_contents("log"), None);
    storage.inject(Fault::fail_everything(Errno::IO));
    assert!(storage.list(Path::new("")).unwrap_err().is_io_error());
    storage.clear_faults();
    storage.list(Path::new("")).unwrap();
}

#[test]
fn short_and_slow_calls() {
    let storage = SimulatedStorage::new(1);
    let file = create(&storage, "log");
    storage.inject(Fault::short(Operation::Write, 3));
    assert_eq!(file.write_at(b"abcdef", 0).unwrap(), 3);
    assert_eq!(file.write_at(b"def", 3).unwrap(), 3);
    storage.inject(Fault::short(Operation::Read, 2));
    assert_eq!(file.read_at(&mut [0; 6], 0).unwrap(), 2);

    let before = storage.clock().monotonic();
    storage.inject(Fault::delay(Operation::Datasync, Duration::from_millis(700)).times(2));
    file.datasync().unwrap();
    file.datasync().unwrap();
    file.datasync().unwrap();
    assert_eq!(storage.clock().monotonic() - before, Duration::from_millis(1400));
    assert_eq!(storage.durable_contents("log"), None, "its name is not durable");
}

#[test]
fn after_the_crash_every_call_says_so() {
    let storage = SimulatedStorage::new(1);
    let file = create(&storage, "log");
    storage.crash_after(1);
    file.write_all_at(b"first", 0).unwrap();
    let error = file.write_all_at(b"second", 5).unwrap_err();
    assert!(error.is_crash() && !error.is_io_error() && !error.is_full());
    assert!(storage.is_crashed());
    assert!(file.read_at(&mut [0; 1], 0).unwrap_err().is_crash());
    assert!(file.datasync().unwrap_err().is_crash());
    assert!(file.len().unwrap_err().is_crash());
    assert!(storage.open(Path::new("log"), &OpenOptions::read_only()).unwrap_err().is_crash());
    assert!(storage.list(Path::new("")).unwrap_err().is_crash());
    assert!(storage.lock(Path::new("")).unwrap_err().is_crash());
    assert!(storage.exists(Path::new("log")).unwrap_err().is_crash());

    let mut random = SimulatedRandom::new(1);
    let after = storage.crash_as(CrashProfile::KeepUnsynced, &mut random);
    assert!(!after.is_crashed() && after.operations() == 0);
    assert!(after.contents("log").unwrap().starts_with(b"first"));
}

#[test]
fn the_interrupted_operation_is_done_partly_or_not() {
    let mut lengths = std::collections::BTreeSet::new();
    let mut renamed = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let storage = SimulatedStorage::new(seed);
        let file = create(&storage, "log");
        storage.inject(Fault::crash(Operation::Write));
        file.write_at(b"12345", 0).unwrap_err();
        let mut random = SimulatedRandom::new(seed);
        lengths.insert(storage.kill(&mut random).contents("log").unwrap().len());

        let storage = SimulatedStorage::new(seed);
        create(&storage, "log");
        storage.inject(Fault::crash(Operation::Rename));
        storage.rename(Path::new("log"), Path::new("new")).unwrap_err();
        renamed.insert(storage.kill(&mut random).contents("new").is_some());
    }
    assert_eq!(lengths, (0..=5).collect());
    assert_eq!(renamed.len(), 2);
}

#[test]
fn operations_are_numbered_traced_and_counted_by_call_site() {
    let storage = SimulatedStorage::new(1);
    for name in ["appendonly.aof.1.incr.aof", "appendonly.aof.2.incr.aof"] {
        let file = create(&storage, name);
        file.write_all_at(b"x", 0).unwrap();
        file.read_at(&mut [0; 1], 0).unwrap();
        file.datasync().unwrap();
    }
    assert_eq!(storage.operations(), 6, "reads are not counted");
    let sites: Vec<String> =
        storage.call_sites().iter().map(|(site, count)| format!("{site} x{count}")).collect();
    assert_eq!(
        sites,
        [
            "create appendonly.aof.#.incr.aof x2",
            "read appendonly.aof.#.incr.aof x2",
            "write appendonly.aof.#.incr.aof x2",
            "datasync appendonly.aof.#.incr.aof x2",
        ]
    );
    let trace = storage.trace();
    assert_eq!(trace.len(), 8);
    assert_eq!(trace[1].to_string(), "     1 write '/appendonly.aof.1.incr.aof' 0+1");
    assert_eq!((trace[2].number, trace[7].number), (None, Some(5)));
    storage.record_trace(false);
    create(&storage, "more");
    assert!(storage.trace().is_empty());
}

#[test]
fn damage_on_purpose() {
    let storage = SimulatedStorage::new(1);
    storage.put("a/b/log", b"hello".as_slice()).unwrap();
    storage.flip_bits("a/b/log", 0, 0x20).unwrap();
    storage.flip_bits("a/b/log", 99, 0xff).unwrap();
    assert_eq!(storage.durable_contents("a/b/log").unwrap(), b"Hello");
    storage.overwrite("a/b/log", 4, b"!!").unwrap();
    assert_eq!(storage.contents("a/b/log").unwrap(), b"Hell!!");
    storage.cut("a/b/log", 2).unwrap();
    storage.cut("a/b/log", 3).unwrap();
    assert_eq!(storage.durable_contents("a/b/log").unwrap(), b"He\0");
    assert!(storage.cut("none", 1).unwrap_err().not_found());
    assert_eq!(storage.flip_bits("a", 0, 1).unwrap_err().errno(), Some(Errno::IS_DIRECTORY));
}
