//! The real implementation, on a real directory.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

use std::io::{IoSlice, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use lastsave_storage::{
    EntryKind, Errno, FileMode, FileReader, FileWriter, OpenOptions, Operation, RealStorage, Storage,
    create_directory_durably, hard_link_durably, rename_durably, replace_durably_with, unlink_durably,
};

fn storage() -> (tempfile::TempDir, RealStorage) {
    let directory = tempfile::tempdir().unwrap();
    let storage = RealStorage::open(directory.path()).unwrap();
    (directory, storage)
}

#[test]
fn a_handle_stays_with_its_directory_when_that_is_renamed() {
    let (directory, storage) = storage();
    storage.create_directory(Path::new("before")).unwrap();
    let inner = storage.open_directory(Path::new("before")).unwrap();
    storage.rename(Path::new("before"), Path::new("after")).unwrap();
    inner.open(Path::new("file"), &OpenOptions::create_new()).unwrap();
    assert!(directory.path().join("after/file").exists());
    inner.sync_directory(Path::new("")).unwrap();
}

#[test]
fn a_vectored_write_is_one_call_and_at_most_1024_slices() {
    let (_directory, storage) = storage();
    let file = storage.open(Path::new("file"), &OpenOptions::create_new().read(true)).unwrap();
    let slices = vec![IoSlice::new(b"ab"); 1500];
    assert_eq!(file.write_vectored_at(&slices, 0).unwrap(), 2048);
    let mut slices = slices;
    file.write_all_vectored_at(&mut slices, 0).unwrap();
    assert_eq!(file.len().unwrap(), 3000);
    assert_eq!(file.write_vectored_at(&[], 0).unwrap(), 0);
}

#[test]
fn errors_name_operation_path_and_reason() {
    let (directory, storage) = storage();
    let error = storage.open(Path::new("none"), &OpenOptions::read_only()).unwrap_err();
    assert!(error.not_found());
    assert_eq!((error.operation(), error.path()), (Operation::Open, &*directory.path().join("none")));
    assert_eq!(error.reason(), "No such file or directory");

    let file = storage.open(Path::new("file"), &OpenOptions::create_new()).unwrap();
    let error = file.read_at(&mut [0; 1], 0).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::BAD_HANDLE));
    assert!(storage.open(Path::new("file"), &OpenOptions::create_new()).unwrap_err().already_exists());
    let error = storage.open(Path::new(""), &OpenOptions::read_only()).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::IS_DIRECTORY));
    let senseless = OpenOptions::read_only().create(true);
    let error = storage.open(Path::new("new"), &senseless).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::INVALID));
    assert!(RealStorage::open(directory.path().join("none")).unwrap_err().not_found());
}

/// `/dev/full` is a device that is always full: the real text from the real kernel.
#[test]
fn a_full_disk_says_so() {
    let device = RealStorage::open("/dev").unwrap();
    let full = device.open(Path::new("full"), &OpenOptions::read_write()).unwrap();
    let error = full.write_at(b"x", 0).unwrap_err();
    assert!(error.is_full());
    assert_eq!(error.to_string(), "cannot write '/dev/full': No space left on device");

    let mut writer = FileWriter::new(full);
    writer.write_all(b"buffered").unwrap();
    assert!(writer.flush_buffer().unwrap_err().is_full());
    assert!(writer.append(b"more").unwrap_err().is_full(), "the first error sticks");
    assert!(writer.finish().is_err());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "an independent witness of the umask")]
fn modes_are_those_asked_for_less_the_umask() {
    let (directory, storage) = storage();
    let umask = {
        // The umask cannot be read without setting it; a directory made by the standard library shows it.
        let probe = directory.path().join("probe");
        std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o777)
            .create(&probe)
            .unwrap();
        0o777 & !probe.symlink_metadata().unwrap().permissions().mode()
    };
    for (name, mode) in [("data", FileMode::DATA), ("dump", FileMode::DUMP)] {
        storage.open(Path::new(name), &OpenOptions::create_new().mode(mode)).unwrap();
        let found = storage.metadata(Path::new(name)).unwrap();
        assert_eq!(found.mode.bits(), mode.bits() & !umask, "{name}");
        assert_eq!(found.kind, EntryKind::File);
        assert!(found.modified_ms > 1_700_000_000_000);
    }
    storage.create_directory(Path::new("directory")).unwrap();
    let found = storage.metadata(Path::new("directory")).unwrap();
    assert_eq!((found.kind, found.mode.bits()), (EntryKind::Directory, 0o755 & !umask));
}

#[test]
fn a_second_server_does_not_get_the_lock() {
    let (directory, storage) = storage();
    let other = RealStorage::open(directory.path()).unwrap();
    for path in ["", "lock-file"] {
        let guard = storage.lock(Path::new(path)).unwrap();
        let error = other.lock(Path::new(path)).unwrap_err();
        assert!(error.is_locked(), "{error}");
        drop(guard);
        drop(other.lock(Path::new(path)).unwrap());
    }
    assert_eq!(storage.list(Path::new("")).unwrap().len(), 1, "locking a directory leaves no file");
}

#[test]
fn lists_are_sorted_and_know_the_kinds() {
    let (directory, storage) = storage();
    create_directory_durably(&storage, Path::new("b")).unwrap();
    create_directory_durably(&storage, Path::new("b")).unwrap();
    replace_durably_with(&storage, Path::new("t"), Path::new("c"), FileMode::DATA, b"x").unwrap();
    std::os::unix::fs::symlink("c", directory.path().join("a")).unwrap();
    let found: Vec<_> =
        storage.list(Path::new("")).unwrap().into_iter().map(|entry| (entry.name, entry.kind)).collect();
    let expected = [("a", EntryKind::Symlink), ("b", EntryKind::Directory), ("c", EntryKind::File)];
    assert_eq!(found, expected.map(|(name, kind)| (name.into(), kind)));
    assert_eq!(storage.metadata(Path::new("a")).unwrap().kind, EntryKind::File, "links are followed");
    assert!(create_directory_durably(&storage, Path::new("c")).unwrap_err().already_exists());
}

#[test]
fn names_change_as_told() {
    let (_directory, storage) = storage();
    let path = Path::new;
    storage.create_directory(path("d")).unwrap();
    replace_durably_with(&storage, path("t"), path("dump"), FileMode::DUMP, b"old").unwrap();
    hard_link_durably(&storage, path("dump"), path("d/kept")).unwrap();
    assert_eq!(storage.metadata(path("dump")).unwrap().links, 2);
    rename_durably(&storage, path("dump"), path("d/moved")).unwrap();
    unlink_durably(&storage, path("d/kept")).unwrap();
    unlink_durably(&storage, path("d/kept")).unwrap();
    assert!(storage.exists(path("d/moved")).unwrap() && !storage.exists(path("dump")).unwrap());
    storage.unlink(path("d/moved")).unwrap();
    storage.remove_directory(path("d")).unwrap();
    assert!(storage.list(path("")).unwrap().is_empty());
}

#[test]
fn allocation_extends_and_keeps_what_is_there() {
    let (_directory, storage) = storage();
    let file = storage.open(Path::new("file"), &OpenOptions::create_new().read(true)).unwrap();
    file.write_all_at(b"kept", 0).unwrap();
    match file.allocate(0, 10_000) {
        Err(error) if error.is_unsupported() => return, // not every file system can
        outcome => outcome.unwrap(),
    }
    assert_eq!(file.len().unwrap(), 10_000);
    let mut found = [1; 6];
    file.read_exact_at(&mut found, 0).unwrap();
    assert_eq!(&found, b"kept\0\0");
    file.truncate(4).unwrap();
    file.sync().unwrap();
    assert_eq!(file.len().unwrap(), 4);
    assert!(storage.space().unwrap().total_bytes >= storage.space().unwrap().available_bytes);
}

#[test]
fn big_files_pass_several_writeback_windows() {
    let (_directory, storage) = storage();
    let file = storage.open(Path::new("big"), &OpenOptions::create_new().read(true)).unwrap();
    let mut writer = FileWriter::new(Arc::clone(&file));
    let block: Vec<u8> = (0..=250u8).cycle().take(1_000_003).collect();
    for _ in 0..13 {
        writer.append(&block[..300_000]).unwrap();
        writer.append(&block[300_000..300_010]).unwrap();
        writer.append(&block[300_010..]).unwrap();
    }
    writer.append(&block.repeat(10)).unwrap();
    writer.finish().unwrap();
    let mut reader = FileReader::uncached(file).unwrap();
    let mut found = vec![0; block.len()];
    for _ in 0..23 {
        std::io::Read::read_exact(&mut reader, &mut found).unwrap();
        assert!(found == block);
    }
    assert_eq!(std::io::Read::read(&mut reader, &mut found).unwrap(), 0);
}
