//! BACKUP: copies of the log while it is written. The log moves to a new file, and what was closed gets second names in a
//! directory of its own, on a thread of its own. As many at once as anybody wants; nobody waits but who asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};
use lastsave_aof::{BackupReport, is_backup, remove_backup};
use lastsave_fsync_scheduler::{LogError, Position, RequestId, Switch};
use lastsave_storage::{EntryKind, Storage, StorageError};

use super::Persistence;
use super::api::{Answer, Notice};
use super::jobs::WakeExecutor;
use super::log_state::LogState;

/// Longest name of a backup.
const NAME_BYTES_MAX: usize = 200;

/// Backups under way, and what became of the others.
#[derive(Debug)]
pub(super) struct Backups {
    /// Those that wait for the log to move to a new file.
    waiting: Vec<Waiting>,
    /// Names of those under way, waiting or being copied.
    under_way: Vec<String>,
    sender: Sender<TaskDone>,
    receiver: Receiver<TaskDone>,
    statistics: BackupStatistics,
}

/// What INFO tells.
#[derive(Debug, Clone, Copy)]
pub(super) struct BackupStatistics {
    pub(super) completed: u64,
    pub(super) last_ok: bool,
    /// Unix time of the last one that was completed.
    pub(super) last_seconds: i64,
    pub(super) last: BackupReport,
}

#[derive(Debug)]
struct Waiting {
    id: RequestId,
    ticket: u64,
    name: String,
}

/// What a thread has done for a client.
#[derive(Debug)]
struct TaskDone {
    ticket: u64,
    answer: Answer,
    /// The backup that was made, or was not.
    backup: Option<(String, Option<BackupReport>)>,
}

impl Default for Backups {
    fn default() -> Self {
        let (sender, receiver) = unbounded();
        let statistics =
            BackupStatistics { completed: 0, last_ok: true, last_seconds: 0, last: BackupReport::default() };
        Self { waiting: Vec::new(), under_way: Vec::new(), sender, receiver, statistics }
    }
}

impl Backups {
    pub(super) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    pub(super) fn statistics(&self) -> BackupStatistics {
        self.statistics
    }
}

impl Persistence {
    /// BACKUP CREATE: a data directory `backupdirname`/`name` with everything up to now.
    pub(crate) fn create_backup(&mut self, name: Option<&[u8]>, now_ms: i64) -> Answer {
        if self.log_state != LogState::On || self.needs_rebase {
            return Answer::error("ERR BACKUP copies the append only file: it has to be on, and writable");
        }
        if self.shutdown.is_some() {
            return Answer::error("ERR The server is shutting down");
        }
        let name = match name.map(backup_name) {
            Some(Err(text)) => return Answer::error(text),
            Some(Ok(name)) => name,
            None => self.free_backup_name(now_ms),
        };
        if self.backups.under_way.contains(&name) {
            return Answer::error("ERR A backup with this name is being made");
        }
        // The batch before the cut belongs to the files that are closed, and everything after it to the new one.
        self.hand_over();
        self.stream.start_new_file();
        let id = self.log().request_switch(Switch::Backup, Position::new(self.stream.position()));
        let ticket = self.next_ticket();
        self.backups.under_way.push(name.clone());
        self.backups.waiting.push(Waiting { id, ticket, name });
        Answer::Later(ticket)
    }

    /// The time as a name.
    fn free_backup_name(&self, now_ms: i64) -> String {
        let is_free = |name: &String| !self.backups.under_way.contains(name);
        (now_ms..).map(|ms| ms.to_string()).find(is_free).unwrap_or_default()
    }

    /// Whether a request to the log was for a backup.
    pub(super) fn is_backup(&self, id: RequestId) -> bool {
        self.backups.waiting.iter().any(|waiting| waiting.id == id)
    }

    /// The log has moved to a new file for a backup, or could not.
    pub(super) fn backup_sealed(&mut self, id: RequestId, result: &Result<(), LogError>, now_ms: i64) {
        let Some(index) = self.backups.waiting.iter().position(|waiting| waiting.id == id) else { return };
        let Waiting { ticket, name, .. } = self.backups.waiting.remove(index);
        let sealed = match result {
            Ok(()) => self.directory.take_sealed(),
            Err(error) => {
                tracing::warn!("Can't close the append only file for the backup {name}: {error}");
                None
            }
        };
        let Some(sealed) = sealed else {
            self.backups.under_way.retain(|other| *other != name);
            self.backups.statistics.last_ok = false;
            let answer =
                Answer::error("ERR The append only file cannot be closed for a backup. Check server logs.");
            self.notices.push(Notice::JobDone { ticket, answer });
            return;
        };
        let (storage, names) = (Arc::clone(self.directory.storage()), self.directory.names().clone());
        let path = self.backup_path(&name);
        let shown = storage.path().join(&path).display().to_string();
        let now_ms = u64::try_from(now_ms).unwrap_or(0);
        let report = self.report_to(ticket, Some(name));
        self.jobs.run_aside(Box::new(move || {
            let outcome = match storage.exists(&path) {
                Ok(true) => Err("ERR A backup with this name is there already".to_owned()),
                Ok(false) => sealed.copy_to(&path, now_ms).map_err(|error| {
                    tracing::warn!("The backup {shown} could not be made: {error}");
                    // What is there of it has no manifest and is no backup.
                    let _leftover = remove_backup(&*storage, &path, &names);
                    "ERR The backup could not be made. Check server logs.".to_owned()
                }),
                Err(error) => Err(format!("ERR {error}")),
            };
            // Nothing is pinned any more when the executor hears of it.
            drop(sealed);
            match outcome {
                Ok(made) => {
                    tracing::info!("Backup completed in {shown}: {} files, {} bytes", made.files, made.bytes);
                    report.finish(Answer::Status(shown), Some(made));
                }
                Err(text) => report.finish(Answer::Error(text), None),
            }
        }));
    }

    /// BACKUP LIST: what there is.
    pub(crate) fn list_backups(&mut self) -> Answer {
        let ticket = self.next_ticket();
        let (storage, names) = (Arc::clone(self.directory.storage()), self.directory.names().clone());
        let (root, under_way) = (self.backup_root(), self.backups.under_way.clone());
        let report = self.report_to(ticket, None);
        self.jobs.run_aside(Box::new(move || {
            let listed = list(&*storage, &root, &under_way, |path| is_backup(&*storage, path, &names));
            let answer = match listed {
                Ok(lines) => Answer::Bulks(lines),
                Err(error) => Answer::Error(format!("ERR {error}")),
            };
            report.finish(answer, None);
        }));
        Answer::Later(ticket)
    }

    /// BACKUP DELETE: removes one.
    pub(crate) fn delete_backup(&mut self, name: &[u8]) -> Answer {
        let name = match backup_name(name) {
            Ok(name) => name,
            Err(text) => return Answer::error(text),
        };
        if self.backups.under_way.contains(&name) {
            return Answer::error("ERR A backup with this name is being made");
        }
        let ticket = self.next_ticket();
        let (storage, names) = (Arc::clone(self.directory.storage()), self.directory.names().clone());
        let path = self.backup_path(&name);
        let report = self.report_to(ticket, None);
        self.jobs.run_aside(Box::new(move || {
            let answer = match storage.exists(&path) {
                Ok(false) => Answer::error("ERR There is no backup with this name"),
                Ok(true) => match remove_backup(&*storage, &path, &names) {
                    Ok(()) => Answer::status("OK"),
                    Err(error) => Answer::Error(format!("ERR {error}")),
                },
                Err(error) => Answer::Error(format!("ERR {error}")),
            };
            report.finish(answer, None);
        }));
        Answer::Later(ticket)
    }

    /// Learns what threads have done for backups.
    pub(super) fn finish_backups(&mut self, now_ms: i64) {
        while let Ok(done) = self.backups.receiver.try_recv() {
            self.notices.push(Notice::JobDone { ticket: done.ticket, answer: done.answer });
            let Some((name, made)) = done.backup else { continue };
            self.backups.under_way.retain(|other| *other != name);
            let statistics = &mut self.backups.statistics;
            statistics.last_ok = made.is_some();
            if let Some(made) = made {
                statistics.completed += 1;
                statistics.last_seconds = now_ms / 1000;
                statistics.last = made;
            }
            // A rewrite may have made history of what was pinned until now.
            self.collect_history_quietly();
        }
    }

    fn backup_root(&self) -> PathBuf {
        PathBuf::from(&self.settings.backup_directory)
    }

    fn backup_path(&self, name: &str) -> PathBuf {
        self.backup_root().join(name)
    }

    fn report_to(&self, ticket: u64, name: Option<String>) -> TaskReport {
        TaskReport {
            ticket,
            name,
            answer: None,
            made: None,
            sender: self.backups.sender.clone(),
            wake: Arc::clone(&self.environment.wake),
        }
    }
}

/// Reports when it is dropped, so that a thread that could not be started or has panicked is heard of as well.
struct TaskReport {
    ticket: u64,
    name: Option<String>,
    answer: Option<Answer>,
    made: Option<BackupReport>,
    sender: Sender<TaskDone>,
    wake: WakeExecutor,
}

impl TaskReport {
    fn finish(mut self, answer: Answer, made: Option<BackupReport>) {
        (self.answer, self.made) = (Some(answer), made);
    }
}

impl Drop for TaskReport {
    fn drop(&mut self) {
        let answer = self
            .answer
            .take()
            .unwrap_or_else(|| Answer::error("ERR The work was not finished. Check server logs."));
        let backup = self.name.take().map(|name| (name, self.made.take()));
        // The executor is gone only when the process ends.
        let _unheard = self.sender.send(TaskDone { ticket: self.ticket, answer, backup });
        (self.wake)();
    }
}

/// A name that is a directory of its own.
fn backup_name(name: &[u8]) -> Result<String, &'static str> {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match std::str::from_utf8(name) {
        Ok(text)
            if (1..=NAME_BYTES_MAX).contains(&text.len())
                && !text.starts_with('.')
                && text.as_bytes().iter().all(is_allowed) =>
        {
            Ok(text.to_owned())
        }
        _ => Err(
            "ERR The name of a backup has up to 200 letters, digits, '-', '_' and '.', and begins with no '.'",
        ),
    }
}

/// A line per directory below `root`.
fn list(
    storage: &dyn Storage,
    root: &Path,
    under_way: &[String],
    is_complete: impl Fn(&Path) -> Result<bool, StorageError>,
) -> Result<Vec<String>, StorageError> {
    let entries = match storage.list(root) {
        Ok(entries) => entries,
        Err(error) if error.not_found() => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut lines = Vec::new();
    for entry in entries.into_iter().filter(|entry| entry.kind == EntryKind::Directory) {
        let Some(name) = entry.name.to_str().filter(|name| !under_way.iter().any(|other| other == name))
        else {
            continue;
        };
        let path = root.join(name);
        let state = if is_complete(&path)? { "complete" } else { "incomplete" };
        let modified_ms = storage.metadata(&path)?.modified_ms;
        lines.push(format!("name={name},state={state},time={}", modified_ms / 1000));
    }
    lines.extend(under_way.iter().map(|name| format!("name={name},state=under-way,time=0")));
    lines.sort();
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_the_directory_of_backups() {
        for name in ["nightly", "2025-11-25_03.00", "1764088635250"] {
            assert_eq!(backup_name(name.as_bytes()), Ok(name.to_owned()));
        }
        for name in ["", ".", "..", ".hidden", "a/b", "a b", "a\0", "grün", &"x".repeat(201)] {
            assert!(backup_name(name.as_bytes()).is_err(), "{name}");
        }
    }
}
