//! Loading: the files of a log in order, as records that have been verified.

mod files;
mod judge;
mod reread;
mod step;

use std::sync::Arc;
use std::time::Duration;

use lastsave_storage::{File, OpenOptions};

pub(crate) use self::files::{LoadedFile, begins_with_rdb, list_files};
pub(crate) use self::judge::Cut;
pub(crate) use self::reread::Reread;
pub use self::step::{LoadOptions, LoadProgress, LoadStep, RdbPart, Record, RecordRole};
use crate::directory::AofDirectory;
use crate::error::AofError;
use crate::frame::LongFields;
use crate::manifest::FileKind;
use crate::notice::Notice;
use crate::scan::{CleanEnd, FileEnd, FileScanner, Found};
use crate::settings::LogSettings;

/// Reads a log file by file. Changes nothing on disk: what is to be cut is cut by [`Loader::finish`].
#[derive(Debug)]
pub struct Loader {
    pub(crate) directory: Arc<AofDirectory>,
    pub(crate) settings: Arc<LogSettings>,
    pub(crate) options: LoadOptions,
    pub(crate) files: Vec<LoadedFile>,
    pub(crate) ends: Vec<CleanEnd>,
    pub(crate) cuts: Vec<Cut>,
    pub(crate) last_long: Option<LongFields>,
    /// Up to where each file is declared durable by its own last long frame.
    pub(crate) durable_marks: Vec<u64>,
    current: Option<Current>,
    next_file: usize,
    notices: Vec<Notice>,
    finished_bytes: u64,
    total_bytes: u64,
}

/// The file being read.
#[derive(Debug)]
struct Current {
    file: Arc<dyn File>,
    state: FileState,
    started: Duration,
    in_group: bool,
}

#[derive(Debug)]
enum FileState {
    /// Nothing read yet.
    Fresh,
    /// The caller loads the RDB.
    InRdb,
    /// Records of the scanner's memory are being handed out, from this index on.
    InMemory(Box<FileScanner>, usize),
    /// A big unit is read again.
    OnDisk(Box<FileScanner>, Box<Reread>),
}

impl Loader {
    pub(crate) fn new(
        directory: Arc<AofDirectory>,
        settings: Arc<LogSettings>,
        options: LoadOptions,
    ) -> Result<Self, AofError> {
        let files = list_files(&directory)?;
        let total_bytes = files.iter().map(|file| file.limit).sum();
        Ok(Self {
            directory,
            settings,
            options,
            files,
            ends: Vec::new(),
            cuts: Vec::new(),
            last_long: None,
            durable_marks: Vec::new(),
            current: None,
            next_file: 0,
            notices: Vec::new(),
            finished_bytes: 0,
            total_bytes,
        })
    }

    /// The next thing to do; `None` when everything has been loaded.
    ///
    /// # Errors
    /// Damage that must not be passed over, or what the disk said. Loading is over then.
    pub fn step(&mut self) -> Result<Option<LoadStep<'_>>, AofError> {
        loop {
            if self.current.is_none() {
                let Some(file) = self.files.get(self.next_file) else { return Ok(None) };
                let (name, kind) = (file.entry.display_name(), file.entry.kind);
                self.start_file()?;
                return Ok(Some(LoadStep::FileStarted { name, kind }));
            }
            match self.advance()? {
                Progress::Rdb(part) => return Ok(Some(LoadStep::Rdb(part))),
                Progress::Record => return Ok(Some(LoadStep::Record(self.current_record()))),
                Progress::FileEnded => return Ok(Some(LoadStep::FileEnded)),
                Progress::Nothing => {}
            }
        }
    }

    /// The RDB of the last [`LoadStep::Rdb`] ended before `offset`; records may follow.
    ///
    /// # Panics
    /// When no RDB was handed out.
    pub fn rdb_ended_at(&mut self, offset: u64) {
        let file = &self.files[self.next_file];
        let limit = file.limit;
        let is_base_file = file.is_base_file();
        let current = self.current.as_mut().expect("an RDB was handed out");
        assert!(matches!(current.state, FileState::InRdb), "an RDB was handed out");
        if !is_base_file {
            self.notices.push(Notice::info("Reading the remaining AOF tail..."));
        }
        let scanner = FileScanner::new(Arc::clone(&current.file), offset, limit);
        current.state = FileState::InMemory(Box::new(scanner), 0);
    }

    /// Log lines since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// How far loading has come.
    #[must_use]
    pub fn progress(&self) -> LoadProgress {
        let within = match self.current.as_ref().map(|current| &current.state) {
            Some(FileState::InMemory(scanner, _) | FileState::OnDisk(scanner, _)) => scanner.offset(),
            _ => 0,
        };
        LoadProgress { loaded_bytes: self.finished_bytes + within, total_bytes: self.total_bytes }
    }

    fn start_file(&mut self) -> Result<(), AofError> {
        let loaded = &self.files[self.next_file];
        let file = self.directory.storage().open(&loaded.path, &OpenOptions::read_only())?;
        let started = self.settings.monotonic();
        self.current = Some(Current { file, state: FileState::Fresh, started, in_group: false });
        Ok(())
    }

    fn advance(&mut self) -> Result<Progress, AofError> {
        let loaded = &self.files[self.next_file];
        let current = self.current.as_mut().expect("a file is being read");
        match &mut current.state {
            FileState::Fresh => {
                if loaded.begins_with_rdb {
                    current.state = FileState::InRdb;
                    let is_base_file = loaded.is_base_file();
                    self.notices.push(Notice::info(if is_base_file {
                        "Reading RDB base file on AOF loading..."
                    } else {
                        "Reading RDB preamble from AOF file..."
                    }));
                    return Ok(Progress::Rdb(RdbPart {
                        file: Arc::clone(&current.file),
                        name: loaded.entry.display_name(),
                        is_base_file,
                        file_bytes: loaded.limit,
                    }));
                }
                let scanner = FileScanner::new(Arc::clone(&current.file), 0, loaded.limit);
                current.state = FileState::InMemory(Box::new(scanner), 0);
                Ok(Progress::Nothing)
            }
            FileState::InRdb => {
                Err(AofError::Refused("the end of the RDB was not given before going on".to_owned()))
            }
            FileState::InMemory(scanner, next) if *next < scanner.records().len() => {
                *next += 1;
                Ok(Progress::Record)
            }
            FileState::OnDisk(_, reread) => {
                if reread.advance()? {
                    return Ok(Progress::Record);
                }
                let FileState::OnDisk(scanner, _) = std::mem::replace(&mut current.state, FileState::Fresh)
                else {
                    unreachable!("matched above")
                };
                current.state = FileState::InMemory(scanner, usize::MAX);
                Ok(Progress::Nothing)
            }
            FileState::InMemory(..) => self.find_more(),
        }
    }

    fn find_more(&mut self) -> Result<Progress, AofError> {
        let current = self.current.as_mut().expect("a file is being read");
        let FileState::InMemory(scanner, next) = &mut current.state else {
            unreachable!("only called when the scanner is free")
        };
        match scanner.find()? {
            Found::InMemory => {
                *next = 0;
                Ok(Progress::Nothing)
            }
            Found::OnDisk(range) => {
                let reread = Box::new(Reread::new(Arc::clone(&current.file), range));
                let FileState::InMemory(scanner, _) = std::mem::replace(&mut current.state, FileState::Fresh)
                else {
                    unreachable!("matched above")
                };
                current.state = FileState::OnDisk(scanner, reread);
                Ok(Progress::Nothing)
            }
            Found::End(end) => {
                let long = scanner.last_long().copied();
                let started = current.started;
                let file = Arc::clone(&current.file);
                self.end_file(end, long, started, &file)?;
                Ok(Progress::FileEnded)
            }
        }
    }

    fn end_file(
        &mut self,
        end: FileEnd,
        long: Option<LongFields>,
        started: Duration,
        file: &Arc<dyn File>,
    ) -> Result<(), AofError> {
        let index = self.next_file;
        let clean = match end {
            FileEnd::Clean(clean) => clean,
            FileEnd::Damaged(damage) => {
                let cut = self.judge(index, &damage, file)?;
                let clean = CleanEnd {
                    logical_end: cut.offset,
                    segment_id: damage.segment_id,
                    has_foreign_suffix: damage.segment_id.is_none(),
                };
                self.cuts.push(cut);
                clean
            }
        };
        self.ends.push(clean);
        self.durable_marks.push(long.map_or(0, |long| long.durable));
        self.last_long = long.or(self.last_long);
        let loaded = &self.files[index];
        let what = if loaded.entry.kind == FileKind::Base { "base" } else { "incr" };
        let seconds = (self.settings.monotonic() - started).as_secs_f64();
        let name = loaded.entry.display_name();
        if loaded.limit > 0 {
            self.notices
                .push(Notice::info(format!("DB loaded from {what} file {name}: {seconds:.3} seconds")));
        }
        self.finished_bytes += loaded.limit;
        self.next_file += 1;
        self.current = None;
        Ok(())
    }

    /// Whether every file has been read to its end.
    pub(crate) fn is_done(&self) -> bool {
        self.current.is_none() && self.next_file == self.files.len()
    }

    pub(crate) fn push_notice(&mut self, notice: Notice) {
        self.notices.push(notice);
    }

    fn current_record(&mut self) -> Record<'_> {
        let current = self.current.as_mut().expect("a file is being read");
        let (memory, spans, bytes, offset) = match &current.state {
            FileState::InMemory(scanner, next) => {
                let record = &scanner.records()[*next - 1];
                let memory = scanner.memory();
                let spans = &scanner.arguments()[record.arguments.clone()];
                (memory, spans, &memory[record.bytes.clone()], record.offset)
            }
            FileState::OnDisk(_, reread) => reread.record(),
            FileState::Fresh | FileState::InRdb => unreachable!("a record has been found"),
        };
        let is_word = |word: &[u8]| spans.len() == 1 && memory[spans[0].clone()].eq_ignore_ascii_case(word);
        let role = match current.in_group {
            false if is_word(b"MULTI") => {
                current.in_group = true;
                RecordRole::Multi
            }
            false => RecordRole::Single,
            true if is_word(b"EXEC") => {
                current.in_group = false;
                RecordRole::Exec
            }
            true => RecordRole::Queued,
        };
        Record { memory, spans, bytes, offset, role }
    }
}

enum Progress {
    Rdb(RdbPart),
    Record,
    FileEnded,
    Nothing,
}
