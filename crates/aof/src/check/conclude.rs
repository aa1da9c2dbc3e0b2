//! From what was found in a file to what is printed about it and what is cut.

use lastsave_storage::{OpenOptions, Storage};

use super::examine::{Examined, Extent, Finding, Subject, TooLate};
use super::frames::FrameReport;
use super::{CheckAction, CheckConsole, CheckOptions, CheckReport, GivenUp};
use crate::manifest::FileKind;

/// A check under way.
pub(super) struct Check<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) options: &'a CheckOptions,
    pub(super) report: CheckReport,
    console: &'a mut dyn CheckConsole,
    /// Lines passed in all files so far.
    lines: u64,
}

/// What was found in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// Its name; the path for a single file.
    pub name: String,
    /// Its role in the manifest, if there is one.
    pub kind: Option<FileKind>,
    /// Whether it begins with an RDB.
    pub has_rdb: bool,
    /// Its length in bytes.
    pub size: u64,
    /// Everything before this offset is intact.
    pub ok_up_to: u64,
    /// What is wrong, in the words that were printed.
    pub errors: Vec<String>,
    /// What its frames prove, if it has any.
    pub frames: Option<FrameReport>,
    /// What became of it.
    pub verdict: FileVerdict,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileVerdict {
    /// Valid as it is.
    Valid,
    /// Without a byte.
    Empty,
    /// Damaged, and left so.
    Damaged,
    /// It was damaged, and has been cut to its intact part.
    Truncated,
    /// Cut to the requested time.
    TruncatedToTimestamp,
    /// A dry run: it would have been cut.
    WouldTruncate,
    /// It could not be read.
    Unreadable,
}

impl<'a> Check<'a> {
    pub(super) fn new(
        storage: &'a dyn Storage,
        options: &'a CheckOptions,
        console: &'a mut dyn CheckConsole,
    ) -> Self {
        Self { storage, options, report: CheckReport::default(), console, lines: 1 }
    }

    pub(super) fn into_report(self, is_valid: bool) -> CheckReport {
        CheckReport { is_valid, ..self.report }
    }

    pub(super) fn line(&mut self, text: &str) {
        self.console.line(text);
    }

    pub(super) fn give_up<T>(&mut self, text: &str) -> Result<T, GivenUp> {
        self.console.line(text);
        self.report.failure = Some(text.to_owned());
        Err(GivenUp)
    }

    /// Prints what was found in a file, and cuts it if that is asked for.
    pub(super) fn conclude(&mut self, examined: Examined, what: &str) -> Result<(), GivenUp> {
        let Examined { subject, rdb_lines, finding } = examined;
        for line in &rdb_lines {
            self.console.rdb_line(line);
        }
        let mut file = FileReport {
            name: subject.name.clone(),
            kind: subject.kind,
            has_rdb: subject.has_rdb,
            size: 0,
            ok_up_to: 0,
            errors: Vec::new(),
            frames: None,
            verdict: FileVerdict::Unreadable,
        };
        let verdict = match finding {
            Finding::Empty => Ok(FileVerdict::Empty),
            Finding::Failed(text) => {
                file.errors.push(text.clone());
                self.report.files.push(file);
                return self.give_up(&text);
            }
            Finding::Read(extent) => {
                file.size = extent.size;
                file.ok_up_to = extent.ok_up_to;
                file.errors.clone_from(&extent.errors);
                file.frames.clone_from(&extent.frames);
                match extent.too_late {
                    Some(too_late) => self.cut_to_time(&subject, too_late),
                    None => self.conclude_read(&subject, &extent),
                }
            }
        };
        file.verdict = verdict.unwrap_or(FileVerdict::Damaged);
        let name = file.name.clone();
        self.report.files.push(file);
        let limit = match self.options.action {
            CheckAction::TruncateToTimestamp(limit) => limit,
            CheckAction::Verify | CheckAction::Fix { .. } => 0,
        };
        let text = match verdict? {
            FileVerdict::Valid => format!("{what} {name} is valid"),
            FileVerdict::Empty => format!("{what} {name} is empty"),
            FileVerdict::Truncated => format!("Successfully truncated AOF {name}"),
            FileVerdict::TruncatedToTimestamp => {
                format!("Successfully truncated AOF {name} to timestamp {limit}")
            }
            FileVerdict::WouldTruncate => {
                return self.give_up("Dry run: nothing was changed.");
            }
            FileVerdict::Damaged | FileVerdict::Unreadable => {
                return self
                    .give_up(&format!("AOF {name} is not valid. Use the --fix option to try fixing it."));
            }
        };
        self.line(&text);
        Ok(())
    }

    fn conclude_read(&mut self, subject: &Subject, extent: &Extent) -> Result<FileVerdict, GivenUp> {
        let name = &subject.name;
        let Extent { size, ok_up_to, ref errors, ref frames, .. } = *extent;
        for error in errors {
            self.line(error);
        }
        self.lines += extent.lines;
        let excess = size - ok_up_to;
        if excess == 0
            && let CheckAction::TruncateToTimestamp(limit) = self.options.action
        {
            self.line(&format!("Truncate nothing in AOF {name} to timestamp {limit}"));
            return Ok(FileVerdict::Valid);
        }
        self.line(&format!(
            "AOF analyzed: filename={name}, size={size}, ok_up_to={ok_up_to}, ok_up_to_line={}, diff={excess}",
            self.lines
        ));
        if let Some(frames) = frames {
            self.line(&frames.summary(name));
        }
        if excess == 0 {
            return Ok(FileVerdict::Valid);
        }
        let CheckAction::Fix { even_durable } = self.options.action else { return Ok(FileVerdict::Damaged) };
        let is_durable = frames.as_ref().is_some_and(FrameReport::proves_corruption);
        self.cut(subject, size, ok_up_to, is_durable && !even_durable)
    }

    fn cut(
        &mut self,
        subject: &Subject,
        size: u64,
        ok_up_to: u64,
        is_protected: bool,
    ) -> Result<FileVerdict, GivenUp> {
        let name = &subject.name;
        if !subject.is_last {
            return self.give_up(&format!("Failed to truncate AOF {name} because it is not the last file"));
        }
        if is_protected {
            return self.give_up(&format!(
                "Refusing to truncate AOF {name}: valid frames behind offset {ok_up_to} prove that what is damaged \
                 there was durable. Make a backup first; cutting would lose every write behind that offset, where \
                 --salvage keeps them. --even-durable cuts all the same."
            ));
        }
        self.line(&format!(
            "This will shrink the AOF {name} from {size} bytes, with {} bytes, to {ok_up_to} bytes",
            size - ok_up_to
        ));
        if self.options.dry_run {
            return Ok(FileVerdict::WouldTruncate);
        }
        if !self.console.confirm("Continue? [y/N]: ") {
            return self.give_up("Aborting...");
        }
        if !self.truncate(subject, ok_up_to) {
            return self.give_up(&format!("Failed to truncate AOF {name}"));
        }
        Ok(FileVerdict::Truncated)
    }

    /// Cuts the file before a time annotation that is too late.
    fn cut_to_time(&mut self, subject: &Subject, too_late: TooLate) -> Result<FileVerdict, GivenUp> {
        let CheckAction::TruncateToTimestamp(limit) = self.options.action else {
            unreachable!("annotations are only held against a limit that was given")
        };
        let (name, at) = (subject.path.display(), too_late.at);
        if at == 0 {
            return self.give_up(&format!("AOF {name} has nothing before timestamp {limit}, aborting..."));
        }
        if !subject.is_last {
            self.line(&format!(
                "Failed to truncate AOF {name} to timestamp {limit} to offset {at} because it is not the last file."
            ));
            return self.give_up(
                "If you insist, please delete all files after this file according to the manifest file and delete \
                 the corresponding records in manifest file manually. Then re-run redis-check-aof.",
            );
        }
        if self.options.dry_run {
            self.line(&format!("This would shrink the AOF {name} to {} bytes", too_late.cut));
            return Ok(FileVerdict::WouldTruncate);
        }
        if !self.truncate(subject, too_late.cut) {
            return self.give_up(&format!("Failed to truncate AOF {name} to timestamp {limit}"));
        }
        Ok(FileVerdict::TruncatedToTimestamp)
    }

    fn truncate(&self, subject: &Subject, length: u64) -> bool {
        let file = self.storage.open(&subject.path, &OpenOptions::read_write());
        file.and_then(|file| file.truncate(length).and_then(|()| file.sync())).is_ok()
    }
}
