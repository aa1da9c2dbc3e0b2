//! Redis' multi-part append-only file: manifest, frames, segments, recovery.
//!
//! A log is a directory: a base that holds a whole data set, increments that hold the commands since, and a manifest
//! that lists them. Redis >= 7.0 reads what this crate writes and the other way round. What is added are annotation
//! lines, which Redis skips: *frames* with checksums and positions, by which a torn write can be told from a damaged
//! file, and *prepared space*, which makes a sync one device write. The page `docs/formats/aof.md` has every byte of it,
//! and the table by which damage is judged.
//!
//! - [`AofDirectory`] is the manifest on disk and in memory.
//! - [`open_log`] looks at a directory, [`Loader`] hands out its records, verified, and [`Loader::finish`] cuts what was
//!   torn and opens an [`AofLog`] for writing.
//! - [`AofLog`] implements [`Log`](lastsave_fsync_scheduler::Log), the trait that the scheduler drives.
//! - [`check_log`] verifies and repairs from outside, in the words of `redis-check-aof`.
//!
//! This crate must not know what commands mean, what is in an RDB, or when to sync. It never reads the clock but through
//! a [`Clock`](lastsave_storage::Clock), and the disk but through a [`Storage`](lastsave_storage::Storage).
//!
//! ```
//! use std::sync::Arc;
//! use bytes::Bytes;
//! use lastsave_aof::{AofDirectory, LoadOptions, LoadStep, LogNames, LogSettings, OpenedLog, open_log, push_record};
//! use lastsave_fsync_scheduler::{Log, Position};
//! use lastsave_storage::{Storage, sim::SimulatedStorage};
//!
//! let storage: Arc<dyn Storage> = Arc::new(SimulatedStorage::new(7));
//! let names = LogNames::new("appendonly.aof", "appendonlydir")?;
//! let settings = Arc::new(LogSettings::new());
//! let options = LoadOptions::default();
//!
//! // The first start: there is nothing, so a log is created.
//! let directory = AofDirectory::open(Arc::clone(&storage), names.clone())?;
//! let (OpenedLog::Empty(empty), _) = open_log(&directory, &settings, options)? else { panic!("nothing there yet") };
//! let (mut log, _) = empty.create(None, Position::ZERO)?;
//! let mut record = Vec::new();
//! push_record(&mut record, &[b"SET", b"key", b"value"]);
//! let end = Position::ZERO.advance(record.len() as u64);
//! log.write(&[Bytes::from(record)], end, Position::ZERO, true)?;
//! log.sync_handle().sync()?;
//! drop(log);
//!
//! // The next one: what was synced is there.
//! let directory = AofDirectory::open(storage, names)?;
//! let (OpenedLog::Existing(mut loader), _) = open_log(&directory, &settings, options)? else { panic!("a log") };
//! let mut keys = Vec::new();
//! while let Some(step) = loader.step()? {
//!     if let LoadStep::Record(record) = step {
//!         keys.push(record.argument(1).to_vec());
//!     }
//! }
//! assert_eq!(keys, [b"key"]);
//! let recovered = loader.finish(Position::ZERO)?;
//! assert!(recovered.cuts.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod backup;
mod check;
mod checksum;
mod digits;
mod directory;
mod error;
mod filler;
mod frame;
mod loader;
mod log;
mod log_error;
mod manifest;
mod mutant;
mod names;
mod notice;
mod numbers;
mod prepared;
mod record;
mod recovery;
mod retention;
mod salvage;
mod scan;
mod segment;
mod settings;
mod timeline;

pub use backup::{BackupReport, SealedFiles, is_backup, remove_backup};
pub use check::{
    CheckAction, CheckConsole, CheckOptions, CheckReport, DamageReport, FileReport, FileVerdict, FrameReport,
    ManifestPlan, PlannedFile, RdbChecker, RdbVerdict, RebuildChoice, RebuildRefusal, check_log,
    plan_manifest, read_header, survey_frames, write_manifest,
};
pub use directory::{AofDirectory, NewBase};
pub use error::{AofError, Corruption, DamageReason, Evidence};
pub use frame::{
    Header, LONG_FRAME_BYTES, LongFields, Predecessor, REPLICATION_ID_BYTES, ReplicationId, SHORT_FRAME_BYTES,
};
pub use loader::{LoadOptions, LoadProgress, LoadStep, Loader, RdbPart, Record, RecordRole};
pub use log::AofLog;
pub use manifest::{
    BaseForm, FileKind, MANIFEST_LINE_BYTES_MAX, Manifest, ManifestDefect, ManifestEntry, ManifestError,
};
#[cfg(feature = "mutants")]
pub use mutant::{Mutant, set_mutant};
pub use names::{LogNames, NameError, RETAINED_SUFFIX};
pub use notice::{Notice, NoticeLevel};
pub use record::{push_record, push_timestamp};
pub use recovery::{CutReport, EmptyLog, OpenedLog, RecoveredLog, open_log};
pub use retention::{RetainedSets, Retention};
pub use salvage::{Loss, LostCommand, Salvage, SalvageOptions, declared_end, salvage_commands};
pub use settings::{LogSettings, NoticeSink};
pub use timeline::{
    CutError, PartCopied, PastDamage, PastRecord, Timeline, TimelineOptions, TimelineStep, WrittenAt,
    copy_until, successor_header,
};
