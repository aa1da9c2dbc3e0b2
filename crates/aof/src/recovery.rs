//! From a directory to a log that can be written: open, load, cut what was torn, go on.

use std::sync::Arc;

use lastsave_fsync_scheduler::Position;
use lastsave_storage::{File, FileMode, OpenOptions, StorageError, write_synced};

use crate::directory::{AofDirectory, NewBase};
use crate::error::{AofError, DamageReason};
use crate::frame::{Header, LongFields, Predecessor};
use crate::loader::{Cut, LoadOptions, Loader};
use crate::log::{AofLog, start_segment};
use crate::manifest::{FileKind, Manifest};
use crate::mutant::Mutant;
use crate::names::LogNames;
use crate::notice::Notice;
use crate::segment::Segment;
use crate::settings::LogSettings;

/// Without frames nobody knows what of a file was synced, but more than this is not left unsynced even by
/// `appendfsync no`.
const UNSYNCED_BYTES_MAX: u64 = 64 << 20;

/// What a directory holds.
#[derive(Debug)]
pub enum OpenedLog {
    /// No log yet.
    Empty(EmptyLog),
    /// A log to be loaded.
    Existing(Box<Loader>),
}

/// Opens the log of a directory: takes in a log of the time before manifests, refuses files without a manifest, and
/// looks at every listed file. Nothing is executed and nothing is cut yet.
///
/// # Errors
/// What must be repaired first, or what the disk said.
pub fn open_log(
    directory: &Arc<AofDirectory>,
    settings: &Arc<LogSettings>,
    options: LoadOptions,
) -> Result<(OpenedLog, Vec<Notice>), AofError> {
    let notices = directory.upgrade_single_file()?.into_iter().collect();
    let (directory, settings) = (Arc::clone(directory), Arc::clone(settings));
    if directory.manifest().is_without_data() {
        directory.refuse_orphans()?;
        return Ok((OpenedLog::Empty(EmptyLog { directory, settings }), notices));
    }
    let loader = Loader::new(directory, settings, options)?;
    Ok((OpenedLog::Existing(Box::new(loader)), notices))
}

/// A directory without a log.
#[derive(Debug)]
pub struct EmptyLog {
    directory: Arc<AofDirectory>,
    settings: Arc<LogSettings>,
}

impl EmptyLog {
    /// Creates the log: `base`, a finished and synced file below `dir`, becomes the base, and an increment follows it.
    /// The stream stands at `position`.
    ///
    /// A crash on the way leaves files without a manifest, but also the manifest that was planned, by which the next
    /// start knows that nothing is lost.
    ///
    /// # Errors
    /// What the disk said.
    pub fn create(
        self,
        base: Option<&NewBase<'_>>,
        position: Position,
    ) -> Result<(AofLog, Vec<Notice>), AofError> {
        let Self { directory, settings } = self;
        let mut notices = Vec::new();
        directory.ensure_exists()?;
        let names = directory.names().clone();
        let mut manifest = directory.manifest();
        let base_entry = base.map(|base| (base, manifest.replace_base(&names, base.form)));
        let entry = manifest.push_increment(&names);
        if directory.needs_plan() {
            directory.announce(&manifest)?;
        }

        let mut base_bytes = 0;
        if let Some((base, base_entry)) = base_entry {
            notices.push(Notice::info(format!(
                "Creating AOF base file {} on server start",
                base_entry.display_name()
            )));
            directory.move_into_place(base.path, &base_entry)?;
            base_bytes = directory.storage().metadata(&names.path_in_directory(&base_entry.name))?.len;
        }
        notices.push(creating(&entry.display_name()));
        let header = new_header(&settings, None, position);
        let segment =
            start_segment(&directory, &entry.name, Some(entry.sequence), header.as_ref(), position)?;
        directory.publish(manifest)?;
        Ok((AofLog::with_current(directory, settings, segment, base_bytes, Vec::new()), notices))
    }
}

/// A log that has been loaded and can be written.
#[derive(Debug)]
pub struct RecoveredLog {
    /// The log.
    pub log: AofLog,
    /// What was cut: nothing, or one tail. Two only when the file behind a torn one was torn in its very first block.
    pub cuts: Vec<CutReport>,
    /// The rows of the decision table (`docs/formats/aof.md`) by which the increments were judged.
    pub rows: Vec<&'static str>,
    /// What the last valid long frame said; replication may go on from there if nothing came behind it.
    pub last_long_frame: Option<LongFields>,
    /// Log lines.
    pub notices: Vec<Notice>,
}

/// A tail that was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutReport {
    /// The file that was cut.
    pub file: String,
    /// What it was cut to, in bytes.
    pub offset: u64,
    /// How many bytes were cut off.
    pub bytes: u64,
    /// What was wrong with them.
    pub reason: DamageReason,
    /// The row of the decision table.
    pub row: &'static str,
    /// The file that holds the bytes now, unless they were all zero.
    pub copy: Option<String>,
}

impl Loader {
    /// Ends loading: cuts what is to be cut (keeping a copy), makes everything loaded durable, and opens the log at
    /// `position` of the stream. A framed file that was cut is never written again; neither is one whose form differs from
    /// what `aof-frames` asks for.
    ///
    /// # Errors
    /// What the disk said. The files are then as they were, or cut with the copy in place; loading may be repeated.
    ///
    /// # Panics
    /// When not everything has been loaded.
    pub fn finish(mut self, position: Position) -> Result<RecoveredLog, AofError> {
        assert!(self.is_done(), "everything has been loaded");
        let cuts = std::mem::take(&mut self.cuts);
        let rows = self.rows(&cuts);
        let mut copies = Vec::new();
        for cut in &cuts {
            let is_worth_keeping = !cut.only_zeros && cut.bytes > 0;
            copies.push(if is_worth_keeping { Some(self.copy_tail(cut)?) } else { None });
        }
        self.sync_increments()?;
        if self.is_cut_like_redis(&cuts) {
            self.directory.persist(self.manifest_with(&cuts))?;
            self.trim_files()?;
        }
        // The cut takes effect with the manifest that declares it; cutting the file itself comes after, and what a crash
        // leaves of the tail is void.
        let Appending { segment, base_bytes, closed } = self.open_for_appending(&cuts, position)?;
        self.trim_files()?;
        let mut manifest = self.directory.manifest();
        manifest.clear_cuts();
        self.directory.persist(manifest)?;
        let cuts = cuts.into_iter().zip(copies).map(|(cut, copy)| self.report_cut(cut, copy)).collect();
        let notices = self.take_notices();
        let Self { directory, settings, last_long, .. } = self;
        let log = AofLog::with_current(directory, settings, segment, base_bytes, closed);
        Ok(RecoveredLog { log, cuts, rows, last_long_frame: last_long, notices })
    }

    /// How each increment was judged.
    fn rows(&self, cuts: &[Cut]) -> Vec<&'static str> {
        let mut rows = Vec::new();
        for (index, (file, end)) in self.files.iter().zip(&self.ends).enumerate() {
            if file.entry.kind != FileKind::Increment {
                continue;
            }
            if file.limit < file.length {
                rows.push("F8");
            }
            match cuts.iter().find(|cut| cut.file == index) {
                Some(cut) => {
                    rows.push(cut.row);
                    if index + 1 < self.files.len() && end.segment_id.is_some() {
                        rows.push("F7");
                    }
                }
                None if end.has_foreign_suffix => rows.push("A1"),
                None if end.logical_end < file.limit => rows.push("C2"),
                None => rows.push("C1"),
            }
        }
        rows
    }

    fn report_cut(&mut self, cut: Cut, copy: Option<String>) -> CutReport {
        let name = self.files[cut.file].entry.display_name();
        let kept = match &copy {
            Some(copy) => format!("they are kept in {copy}"),
            None => "they were all zero and are not kept".to_owned(),
        };
        self.push_notice(Notice::warning(format!(
            "AOF {name} cut to {} bytes, {} bytes taken off ({}); {kept}",
            cut.offset, cut.bytes, cut.reason
        )));
        self.push_notice(Notice::warning(format!(
            "AOF {name} loaded anyway because aof-load-truncated is enabled"
        )));
        CutReport { file: name, offset: cut.offset, bytes: cut.bytes, reason: cut.reason, row: cut.row, copy }
    }

    /// Copies what will be cut off to a file of its own, durably.
    fn copy_tail(&self, cut: &Cut) -> Result<String, StorageError> {
        let loaded = &self.files[cut.file];
        let file = self.directory.storage().open(&loaded.path, &OpenOptions::read_only())?;
        let name = LogNames::cut_tail(&loaded.entry.name, cut.offset, self.settings.now_ms());
        let path = self.directory.names().path_in_directory(&name);
        let end = cut.offset + cut.bytes;
        let copy = |writer: &mut lastsave_storage::FileWriter| -> Result<(), StorageError> {
            let mut buffer = vec![0; 256 * 1024];
            let mut at = cut.offset;
            while at < end {
                let wanted = (end - at).min(buffer.len() as u64) as usize;
                let moved = file.read_at(&mut buffer[..wanted], at)?;
                if moved == 0 {
                    break;
                }
                writer.append(&buffer[..moved])?;
                at += moved as u64;
            }
            Ok(())
        };
        write_synced(&**self.directory.storage(), &path, FileMode::DATA, copy)?;
        self.directory.sync_names()?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }

    /// Makes every increment durable as loaded: a reply may soon depend on any of it.
    ///
    /// What is not declared durable is written again, in its place: a sync of it may have failed in an earlier process, and
    /// then it is in the page cache alone, in pages that count as clean, so that no later sync brings them to the device.
    fn sync_increments(&self) -> Result<(), StorageError> {
        if Mutant::LoadedUnsynced.is_on() {
            return Ok(());
        }
        for (index, loaded) in self.files.iter().enumerate() {
            if loaded.entry.kind != FileKind::Increment {
                continue;
            }
            let file = self.directory.storage().open(&loaded.path, &OpenOptions::read_write())?;
            let end = self.ends[index];
            if !loaded.is_declared {
                let durable = match end.segment_id {
                    Some(_) => self.durable_marks[index],
                    None => end.logical_end.saturating_sub(UNSYNCED_BYTES_MAX),
                };
                write_again(&*file, durable, end.logical_end)?;
            }
            file.datasync()?;
        }
        self.directory.sync_names()
    }

    /// Cuts every file to where it ends: a torn tail, prepared space, what was declared void.
    fn trim_files(&self) -> Result<(), StorageError> {
        for (loaded, end) in self.files.iter().zip(&self.ends) {
            if end.logical_end < loaded.length {
                let file = self.directory.storage().open(&loaded.path, &OpenOptions::read_write())?;
                file.truncate(end.logical_end)?;
                file.sync()?;
            }
        }
        Ok(())
    }

    /// The manifest, with the cuts declared.
    fn manifest_with(&self, cuts: &[Cut]) -> Manifest {
        let mut manifest = self.directory.manifest();
        for cut in cuts {
            let entry = &self.files[cut.file].entry;
            let is_listed = manifest.set_cut(entry.kind, entry.sequence, Some(cut.offset));
            assert!(is_listed, "a loaded file is listed");
        }
        manifest
    }

    /// Whether all that is cut is the tail of a last file that neither has frames nor is to get them. It is cut before it
    /// is written again, as Redis does: without checksums, bytes of before the cut are no worse than others would be.
    fn is_cut_like_redis(&self, cuts: &[Cut]) -> bool {
        let ([cut], Some(last)) = (cuts, self.files.last()) else { return false };
        !self.settings.frames()
            && cut.file + 1 == self.files.len()
            && last.entry.kind == FileKind::Increment
            && !last.has_header()
    }

    /// Goes on in the last increment, if it ended well and has the form that is wanted, or in a new one.
    fn open_for_appending(&mut self, cuts: &[Cut], position: Position) -> Result<Appending, AofError> {
        let base_bytes =
            self.files.first().filter(|file| file.entry.kind == FileKind::Base).map_or(0, |file| file.length);
        let mut closed: Vec<(i64, u64)> = self
            .files
            .iter()
            .zip(&self.ends)
            .filter(|(file, _)| file.entry.kind == FileKind::Increment)
            .map(|(file, end)| (file.entry.sequence, end.logical_end))
            .collect();
        let last = self.files.last().filter(|file| file.entry.kind == FileKind::Increment);
        let last_end = self.ends.last().copied();
        if let (Some(last), Some(end)) = (last, last_end)
            && (cuts.is_empty() && !end.has_foreign_suffix
                || self.is_cut_like_redis(cuts)
                || Mutant::TornFileContinued.is_on())
            && !last.is_declared
            && end.segment_id.is_some() == self.settings.frames()
        {
            let name = last.entry.display_name();
            let file = self.directory.storage().open(&last.path, &OpenOptions::read_write())?;
            let segment = Segment::resume(
                file,
                last.entry.name.clone(),
                Some(last.entry.sequence),
                end.segment_id,
                end.logical_end,
                position,
            );
            closed.pop();
            self.push_notice(Notice::info(format!("Opening AOF incr file {name} on server start")));
            return Ok(Appending { segment, base_bytes, closed });
        }
        let predecessor = closed.last().map(|&(sequence, end_offset)| Predecessor { sequence, end_offset });
        let mut manifest = self.manifest_with(cuts);
        let entry = manifest.push_increment(self.directory.names());
        self.push_notice(creating(&entry.display_name()));
        let header = new_header(&self.settings, predecessor, position);
        let segment =
            start_segment(&self.directory, &entry.name, Some(entry.sequence), header.as_ref(), position)?;
        self.directory.persist(manifest)?;
        Ok(Appending { segment, base_bytes, closed })
    }
}

/// Writes bytes of a file over themselves.
fn write_again(file: &dyn File, from: u64, to: u64) -> Result<(), StorageError> {
    let mut buffer = vec![0; to.saturating_sub(from).min(256 * 1024) as usize];
    let mut at = from;
    while at < to {
        let wanted = (to - at).min(buffer.len() as u64) as usize;
        file.read_exact_at(&mut buffer[..wanted], at)?;
        file.write_all_at(&buffer[..wanted], at)?;
        at += wanted as u64;
    }
    Ok(())
}

/// The increment to go on in, and the sizes of what lies before it.
struct Appending {
    segment: Segment,
    base_bytes: u64,
    closed: Vec<(i64, u64)>,
}

fn creating(name: &str) -> Notice {
    Notice::info(format!("Creating AOF incr file {name} on server start"))
}

fn new_header(
    settings: &LogSettings,
    predecessor: Option<Predecessor>,
    position: Position,
) -> Option<Header> {
    settings.frames().then(|| Header {
        segment_id: settings.next_segment_id(),
        start: position.get(),
        predecessor,
        time_ms: settings.now_ms(),
    })
}
