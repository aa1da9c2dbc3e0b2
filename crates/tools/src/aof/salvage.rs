//! `--salvage`: a new log of everything that is intact.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastsave_aof::{
    BaseForm, CheckAction, CheckOptions, FileKind, LogNames, Loss, Manifest, ManifestEntry, RebuildChoice,
    SalvageOptions, check_log, declared_end, plan_manifest, salvage_commands,
};
use lastsave_commands::lookup;
use lastsave_storage::{
    File, FileMode, OpenOptions, RealStorage, Storage, StorageError, create_directory_durably, read_file,
    replace_durably_with, write_synced,
};
use serde_json::{Value, json};

use super::Arguments;
use super::check::{RdbFile, fail};
use super::losses;
use crate::files::{find_log, is_directory, log_of_manifest};
use crate::progress::{Watched, bar};
use crate::rdb::salvage::{self as rdb_salvage, RdbSalvage};
use crate::rdb::{loss_json, loss_line};
use crate::terminal::{Silent, Terminal};

/// A manifest bigger than this is none.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// The name of a log whose own name is not known.
const DEFAULT_LOG: &[u8] = b"appendonly.aof";

pub(super) fn run(
    storage: &Arc<dyn Storage>,
    arguments: &Arguments,
    outdir: &Path,
    terminal: Terminal,
) -> i32 {
    let source = match Source::find(&**storage, &arguments.path) {
        Ok(source) => source,
        Err(text) => return fail(&terminal, arguments, &text),
    };
    let total = source.files.iter().map(|file| storage.metadata(&file.path).map_or(0, |found| found.len));
    let progress = bar(total.sum(), !arguments.json);
    let watched = Watched::new(Arc::clone(storage), progress.clone());
    let terminal = terminal.with_progress(progress.clone());
    for note in &source.notes {
        terminal.text(note);
    }
    let outcome = Job { storage: &watched, arguments, terminal: &terminal }.run(&source, outdir);
    progress.finish_and_clear();
    match outcome {
        Ok(report) => {
            if arguments.json {
                terminal.result(&report.to_string());
            }
            0
        }
        Err(text) => fail(&terminal, arguments, &text),
    }
}

/// A file of the damaged log.
struct SourceFile {
    name: String,
    path: PathBuf,
    entry: ManifestEntry,
}

/// The damaged log.
struct Source {
    log: Vec<u8>,
    files: Vec<SourceFile>,
    notes: Vec<String>,
}

impl Source {
    /// What a path names: a directory, a manifest, or a single file.
    fn find(storage: &dyn Storage, path: &Path) -> Result<Self, String> {
        let log = if is_directory(storage, path) {
            find_log(storage, path).map_err(|error| error.to_string())?
        } else if let Some(log) = log_of_manifest(path) {
            log
        } else {
            return Self::single_file(storage, path);
        };
        let directory = if log.directory.as_os_str().is_empty() { Path::new(".") } else { &*log.directory };
        let mut notes = Vec::new();
        let parsed = match read_file(storage, &log.manifest(), MANIFEST_BYTES_MAX) {
            Ok(text) => Manifest::parse(&text).map_err(|error| error.to_string()),
            Err(error) => Err(error.reason()),
        };
        let manifest = match parsed {
            Ok(manifest) => manifest,
            Err(reason) => {
                let inside =
                    RealStorage::open(storage.path().join(directory)).map_err(|error| error.to_string())?;
                let plan =
                    plan_manifest(&inside, &log.names, &RebuildChoice::default()).map_err(|error| {
                        format!("The manifest cannot be used ({reason}), and none can be made: {error}.")
                    })?;
                notes.push(format!(
                    "The manifest cannot be used ({reason}); going by the names of the files."
                ));
                plan.manifest
            }
        };
        let files = manifest
            .loaded_files()
            .map(|entry| SourceFile {
                name: entry.display_name(),
                path: directory.join(entry.path()),
                entry: entry.clone(),
            })
            .collect();
        Ok(Self { log: log.names.single_file().to_vec(), files, notes })
    }

    fn single_file(storage: &dyn Storage, path: &Path) -> Result<Self, String> {
        storage.metadata(path).map_err(|error| error.to_string())?;
        let name = path.file_name().unwrap_or(OsStr::new("")).as_bytes().to_vec();
        let kind = if name.ends_with(b".incr.aof") { FileKind::Increment } else { FileKind::Base };
        let log = LogNames::log_of(&name).unwrap_or(DEFAULT_LOG).to_vec();
        let entry = ManifestEntry { name, sequence: 1, kind, cut: None };
        let file = SourceFile { name: entry.display_name(), path: path.to_owned(), entry };
        Ok(Self { log, files: vec![file], notes: Vec::new() })
    }
}

/// A salvage under way.
struct Job<'a> {
    storage: &'a dyn Storage,
    arguments: &'a Arguments,
    terminal: &'a Terminal,
}

/// The new log, as far as it has been written.
struct Target {
    names: LogNames,
    manifest: Manifest,
    directory: PathBuf,
}

impl Target {
    fn path(&self, entry: &ManifestEntry) -> PathBuf {
        self.directory.join(entry.path())
    }
}

impl Job<'_> {
    fn run(&self, source: &Source, outdir: &Path) -> Result<Value, String> {
        let names = LogNames::from_bytes(&source.log, b".").map_err(|error| error.to_string())?;
        let mut target = Target { names, manifest: Manifest::new(), directory: outdir.to_owned() };
        self.make_directory(outdir).map_err(|error| error.to_string())?;
        let mut files = Vec::new();
        for (index, file) in source.files.iter().enumerate() {
            let next = source.files.get(index + 1).map(|next| &*next.path);
            files.push(self.file(file, next, &mut target).map_err(|error| error.to_string())?);
        }
        if target.manifest.is_empty() {
            return Err("there is nothing to salvage".to_owned());
        }
        self.publish(&target).map_err(|error| error.to_string())?;
        self.verify(&target)?;
        let lost: usize = files.iter().map(|file| file["losses"].as_array().map_or(0, Vec::len)).sum();
        self.terminal.text(&format!(
            "Salvaged {} of {} files into {}; {lost} places were left out. The new log was read back and is valid.",
            files.iter().filter(|file| file["missing"] != json!(true)).count(),
            files.len(),
            outdir.display()
        ));
        Ok(json!({ "out": outdir.to_string_lossy(), "files": files, "notes": source.notes, "valid": true }))
    }

    fn make_directory(&self, outdir: &Path) -> Result<(), StorageError> {
        create_directory_durably(self.storage, outdir)?;
        let is_empty = self.storage.list(outdir)?.is_empty();
        if is_empty {
            return Ok(());
        }
        // The error of making a directory that is there says what is wrong.
        self.storage.create_directory(outdir)
    }

    fn file(
        &self,
        source: &SourceFile,
        next: Option<&Path>,
        target: &mut Target,
    ) -> Result<Value, StorageError> {
        let opened = match self.storage.open(&source.path, &OpenOptions::read_only()) {
            Ok(opened) => opened,
            Err(error) if error.not_found() => {
                self.terminal.text(&format!("Lost all of {}: the file is missing", source.name));
                return Ok(json!({ "name": source.name, "missing": true }));
            }
            Err(error) => return Err(error),
        };
        let length = opened.len()?;
        let declared = declared_end(self.storage, &source.entry, next)?;
        let limit = declared.map_or(length, |declared| declared.min(length));
        let mut losses = Vec::new();
        let mut rdb = None;
        let mut start = 0;
        if source.entry.kind == FileKind::Base && self.is_rdb(source, &opened)? {
            let is_plain = source.entry.name.ends_with(b".base.rdb");
            let salvage = self.rdb(&opened, !is_plain, target)?;
            start = salvage.end.min(limit);
            rdb = Some(salvage);
        }
        let mut kept_records = 0;
        let mut has_unverified_frames = false;
        if rdb.is_none() || start < limit {
            let salvage = self.commands(source, &opened, start..limit, rdb.is_some(), target)?;
            kept_records = salvage.kept_records;
            has_unverified_frames = salvage.has_unverified_frames;
            losses = salvage.losses;
        }
        if let Some(declared) = declared.filter(|declared| *declared > length) {
            losses.push(Loss::of_bytes(length..declared, "the file is shorter than it is on record to be"));
        }
        self.tell(source, rdb.as_ref(), &losses, has_unverified_frames);
        let keys: BTreeSet<String> = losses
            .iter()
            .flat_map(|loss| &loss.commands)
            .flat_map(losses::keys)
            .map(crate::json::text)
            .collect();
        let rdb_losses = rdb.iter().flat_map(|salvage| &salvage.losses).map(loss_json);
        let all: Vec<Value> = rdb_losses.chain(losses.iter().map(losses::json)).collect();
        Ok(json!({
            "name": source.name,
            "missing": false,
            "size_bytes": length,
            "kept_records": kept_records,
            "kept_keys": rdb.as_ref().map(|salvage| salvage.keys),
            "checksum_wrong": rdb.as_ref().map(|salvage| salvage.checksum_is_wrong),
            "unverified_frames": has_unverified_frames,
            "losses": all,
            "keys_of_lost_commands": keys,
        }))
    }

    /// Whether a base is an RDB: by its magic, or by its name when the magic is damaged.
    fn is_rdb(&self, source: &SourceFile, file: &Arc<dyn File>) -> Result<bool, StorageError> {
        let mut magic = [0; 6];
        let read = file.read_at(&mut magic, 0)?;
        let has_magic = magic[..read].starts_with(b"REDIS") || magic[..read].starts_with(b"VALKEY");
        Ok(has_magic || source.entry.name.ends_with(b".base.rdb"))
    }

    fn rdb(
        &self,
        file: &Arc<dyn File>,
        may_go_on: bool,
        target: &mut Target,
    ) -> Result<RdbSalvage, StorageError> {
        let salvage = rdb_salvage::survey(file, may_go_on)?;
        let entry = target.manifest.replace_base(&target.names, BaseForm::Rdb);
        write_synced(self.storage, &target.path(&entry), FileMode::DATA, |out| {
            rdb_salvage::write(file, &salvage, out)
        })?;
        Ok(salvage)
    }

    fn commands(
        &self,
        source: &SourceFile,
        file: &Arc<dyn File>,
        range: Range<u64>,
        is_behind_rdb: bool,
        target: &mut Target,
    ) -> Result<lastsave_aof::Salvage, StorageError> {
        let is_base = source.entry.kind == FileKind::Base && !is_behind_rdb;
        let entry = if is_base {
            target.manifest.replace_base(&target.names, BaseForm::Commands)
        } else {
            target.manifest.push_increment(&target.names)
        };
        let is_command = |name: &[u8]| lookup(name).is_some();
        let options =
            SalvageOptions { keep_unverified: self.arguments.keep_unverified, is_command: &is_command };
        let mut found = lastsave_aof::Salvage::default();
        write_synced(self.storage, &target.path(&entry), FileMode::DATA, |out| {
            found = salvage_commands(file, range, &options, out)?;
            Ok::<_, StorageError>(())
        })?;
        Ok(found)
    }

    fn tell(
        &self,
        source: &SourceFile,
        rdb: Option<&RdbSalvage>,
        losses: &[Loss],
        has_unverified_frames: bool,
    ) {
        if let Some(salvage) = rdb {
            for loss in &salvage.losses {
                self.terminal.text(&format!("{}: {}", source.name, loss_line(loss)));
            }
            if salvage.checksum_is_wrong {
                self.terminal.text(&format!("{}: the checksum of the RDB does not match", source.name));
            }
        }
        for loss in losses {
            for line in losses::lines(&source.name, loss) {
                self.terminal.text(&line);
            }
        }
        if has_unverified_frames {
            self.terminal.text(&format!(
                "{}: the header line cannot be read, so no frame could be verified; a changed byte may have been kept",
                source.name
            ));
        }
    }

    fn publish(&self, target: &Target) -> Result<(), StorageError> {
        self.storage.sync_directory(&target.directory)?;
        let path = |name: Vec<u8>| target.directory.join(OsStr::from_bytes(&name));
        replace_durably_with(
            self.storage,
            &path(target.names.temporary_manifest()),
            &path(target.names.manifest()),
            FileMode::DATA,
            &target.manifest.to_text(),
        )
    }

    /// Reads back what was written.
    fn verify(&self, target: &Target) -> Result<(), String> {
        let manifest = target.directory.join(OsStr::from_bytes(&target.names.manifest()));
        let options =
            CheckOptions { threads: self.arguments.threads(), ..CheckOptions::new(CheckAction::Verify) };
        let report = check_log(self.storage, &manifest, &options, &RdbFile, &mut Silent);
        if report.is_valid {
            return Ok(());
        }
        Err(format!("What was written cannot be read back: {}", report.failure.unwrap_or_default()))
    }
}
