//! A manifest is made from the files that are there, and refused where their names do not tell.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod support;

use lastsave_aof::{ManifestPlan, RebuildChoice, RebuildRefusal, plan_manifest, write_manifest};
use lastsave_storage::sim::SimulatedStorage;
use support::{MANIFEST, manifest_text, names};

const BASE_1: &str = "appendonlydir/appendonly.aof.1.base.rdb";
const BASE_2: &str = "appendonlydir/appendonly.aof.2.base.rdb";

fn increment(number: u64) -> String {
    format!("appendonlydir/appendonly.aof.{number}.incr.aof")
}

fn with_files(files: &[&str]) -> SimulatedStorage {
    let storage = SimulatedStorage::new(1);
    for file in files {
        storage.put(file, b"x".to_vec()).unwrap();
    }
    storage
}

fn plan(storage: &SimulatedStorage) -> Result<ManifestPlan, RebuildRefusal> {
    plan_manifest(storage, &names(), &RebuildChoice::default())
}

#[test]
fn one_base_and_its_increments() {
    let storage = with_files(&[BASE_2, &increment(10), &increment(9), "appendonlydir/unrelated"]);
    let planned = plan(&storage).unwrap();
    assert_eq!(planned.files.iter().map(|file| file.sequence).collect::<Vec<_>>(), [2, 9, 10]);
    assert!(planned.files.iter().all(|file| file.is_listed));
    assert_eq!(write_manifest(&storage, &names(), &planned, 1).unwrap(), None);
    assert_eq!(
        manifest_text(&storage),
        "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.9.incr.aof seq 9 type i\n\
         file appendonly.aof.10.incr.aof seq 10 type i\n"
    );
    assert_eq!(plan(&storage), Err(RebuildRefusal::ManifestExists));
}

#[test]
fn what_names_do_not_tell_is_refused_until_it_is_chosen() {
    assert_eq!(plan(&with_files(&["appendonlydir/unrelated"])), Err(RebuildRefusal::NothingFound));
    assert_eq!(plan(&with_files(&[&increment(1), &increment(3)])), Err(RebuildRefusal::Gap(2)));
    let storage = with_files(&[BASE_1, BASE_2, &increment(1), &increment(2), &increment(3)]);
    assert!(matches!(plan(&storage), Err(RebuildRefusal::SeveralBases(_))));
    let choice =
        RebuildChoice { base: Some(b"appendonly.aof.2.base.rdb".to_vec()), first_increment: Some(2) };
    let planned = plan_manifest(&storage, &names(), &choice).unwrap();
    let listed: Vec<_> =
        planned.files.iter().filter(|file| file.is_listed).map(|file| file.sequence).collect();
    assert_eq!(listed, [2, 2, 3]);
    let choice = RebuildChoice { base: Some(b"nofile".to_vec()), first_increment: None };
    assert_eq!(
        plan_manifest(&storage, &names(), &choice),
        Err(RebuildRefusal::NoSuchBase("nofile".to_owned()))
    );
    let choice = RebuildChoice { base: choice.base, first_increment: Some(9) };
    assert!(plan_manifest(&storage, &names(), &choice).is_err());
}

#[test]
fn a_manifest_that_was_being_written_tells_more_than_names() {
    const TEXT: &str = "file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.1.base.rdb seq 1 type h\n\
                        file appendonly.aof.1.incr.aof seq 1 type h\nfile appendonly.aof.2.incr.aof seq 2 type i\n";
    let storage = with_files(&[BASE_1, BASE_2, &increment(1), &increment(2)]);
    storage.put("appendonlydir/temp-appendonly.aof.manifest", TEXT).unwrap();
    let planned = plan(&storage).unwrap();
    assert!(planned.from_temporary);
    write_manifest(&storage, &names(), &planned, 1).unwrap();
    assert_eq!(manifest_text(&storage), TEXT);
    // One that does not know of a file is older than that file.
    let storage = with_files(&[BASE_1, BASE_2, &increment(1), &increment(2), &increment(3)]);
    storage.put("appendonlydir/temp-appendonly.aof.manifest", TEXT).unwrap();
    assert!(matches!(plan(&storage), Err(RebuildRefusal::SeveralBases(_))));
}

#[test]
fn a_damaged_manifest_is_replaced_and_kept() {
    let storage = with_files(&[BASE_1, &increment(1)]);
    storage.put(MANIFEST, "file appendonly.aof.1.base.rdb seq 1\n").unwrap();
    let planned = plan(&storage).unwrap();
    assert_eq!(planned.damaged.as_deref(), Some("Invalid AOF manifest file format"));
    let kept = write_manifest(&storage, &names(), &planned, 77).unwrap().unwrap();
    assert_eq!(kept, b"appendonly.aof.manifest.damaged-77");
    assert_eq!(
        support::contents(&storage, "appendonlydir/appendonly.aof.manifest.damaged-77"),
        b"file appendonly.aof.1.base.rdb seq 1\n"
    );
    assert_eq!(
        manifest_text(&storage),
        "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
    );
}
