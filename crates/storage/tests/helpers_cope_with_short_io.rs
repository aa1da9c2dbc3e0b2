//! The helpers work on any storage that meets the contract, however little it moves per call.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use std::io::{BufRead, IoSlice, Read, Write};
use std::path::Path;
use std::sync::Arc;

use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{
    Cause, FileMode, FileReader, FileWriter, OpenOptions, RealStorage, Storage, StorageError, create_durably,
    read_file, replace_durably, replace_durably_with,
};
use support::obfuscated::ObfuscatedStorage;

/// Runs a check on the real and the simulated file system, plain and one byte at a time.
fn on_every_storage(check: impl Fn(&dyn Storage)) {
    let temporary = tempfile::tempdir().unwrap();
    let odd = tempfile::tempdir().unwrap();
    let short = SimulatedStorage::new(3);
    short.make_short(2);
    let storages: [Arc<dyn Storage>; 5] = [
        Arc::new(RealStorage::open(temporary.path()).unwrap()),
        Arc::new(SimulatedStorage::new(1)),
        Arc::new(short),
        Arc::new(ObfuscatedStorage(Arc::new(RealStorage::open(odd.path()).unwrap()))),
        Arc::new(ObfuscatedStorage(Arc::new(SimulatedStorage::new(2)))),
    ];
    for storage in storages {
        check(&*storage);
    }
}

#[test]
fn what_was_written_comes_back() {
    let text: Vec<u8> = (0..10_000u32).flat_map(|number| number.to_string().into_bytes()).collect();
    on_every_storage(|storage| {
        let path = Path::new("file");
        let mut writer = FileWriter::new(storage.open(path, &OpenOptions::create_new()).unwrap());
        for piece in text.chunks(777) {
            writer.write_all(piece).unwrap();
        }
        assert_eq!(writer.position(), text.len() as u64);
        assert_eq!(writer.finish().unwrap().len().unwrap(), text.len() as u64);

        assert_eq!(read_file(storage, path, 1 << 20).unwrap(), text);
        let file = storage.open(path, &OpenOptions::read_only()).unwrap();
        for mut reader in [FileReader::new(Arc::clone(&file)), FileReader::uncached(file).unwrap()] {
            let mut found = Vec::new();
            reader.by_ref().take(500).read_to_end(&mut found).unwrap();
            assert_eq!(reader.position(), 500);
            reader.read_to_end(&mut found).unwrap();
            assert_eq!(found, text);
            reader.seek_to(10_000);
            assert_eq!(reader.fill_buf().unwrap()[0], text[10_000]);
            assert_eq!(reader.position(), 10_000);
        }
    });
}

#[test]
fn vectored_writes_skip_empty_slices_and_go_on_after_short_ones() {
    on_every_storage(|storage| {
        let file = create_durably(storage, Path::new("file"), FileMode::DATA).unwrap();
        let slices: [&[u8]; 5] = [b"", b"one", b"", b"two", b""];
        let mut slices = slices.map(IoSlice::new);
        file.write_all_vectored_at(&mut slices, 2).unwrap();
        let mut found = [0; 8];
        file.read_exact_at(&mut found[2..], 2).unwrap();
        assert_eq!(&found[2..], b"onetwo");

        let error = file.read_exact_at(&mut found, 5).unwrap_err();
        assert_eq!(error.cause(), Cause::UnexpectedEnd { offset: 5, wanted: 8, found: 3 });
        file.write_all_vectored_at(&mut [IoSlice::new(b"")], 0).unwrap();
        file.write_all_vectored_at(&mut [], 0).unwrap();
    });
}

#[test]
fn a_replaced_file_is_all_new_and_leaves_no_temporary() {
    on_every_storage(|storage| {
        let (temporary, target) = (Path::new("temp"), Path::new("target"));
        replace_durably_with(storage, temporary, target, FileMode::DATA, b"a longer old one").unwrap();
        // A leftover of an earlier crash, longer than the new file, is not in the way.
        create_durably(storage, temporary, FileMode::DATA).unwrap().write_all_at(&[7; 100], 0).unwrap();
        let written = replace_durably::<StorageError>(storage, temporary, target, FileMode::DATA, |writer| {
            writer.append(b"new")
        });
        assert_eq!(written.unwrap(), 3);
        assert_eq!(read_file(storage, target, 100).unwrap(), b"new");
        assert_eq!(storage.list(Path::new("")).unwrap().len(), 1);
    });
}

#[test]
fn a_closure_that_fails_leaves_the_old_file() {
    #[derive(Debug)]
    enum Failed {
        Encoding,
        Storage(StorageError),
    }
    impl From<StorageError> for Failed {
        fn from(error: StorageError) -> Self {
            Self::Storage(error)
        }
    }
    on_every_storage(|storage| {
        let (temporary, target) = (Path::new("temp"), Path::new("target"));
        replace_durably_with(storage, temporary, target, FileMode::DATA, b"old").unwrap();
        let outcome = replace_durably(storage, temporary, target, FileMode::DATA, |writer| {
            writer.append(b"half")?;
            Err(Failed::Encoding)
        });
        match outcome {
            Err(Failed::Encoding) => {}
            Err(Failed::Storage(error)) => panic!("{error}"),
            Ok(_) => panic!("the closure failed"),
        }
        assert_eq!(read_file(storage, target, 100).unwrap(), b"old");
        assert!(!storage.exists(temporary).unwrap());
    });
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    on_every_storage(|storage| {
        let path = Path::new("file");
        replace_durably_with(storage, Path::new("temp"), path, FileMode::DATA, b"12345").unwrap();
        assert_eq!(read_file(storage, path, 5).unwrap(), b"12345");
        let error = read_file(storage, path, 4).unwrap_err();
        assert_eq!(error.cause(), Cause::TooLong { length: 5, limit: 4 });
        assert!(read_file(storage, Path::new("none"), 4).unwrap_err().not_found());
    });
}
