//! Leaving an increment that must not be trusted any more: what was not known durable is written again to another one,
//! which takes over in one step.

use lastsave_fsync_scheduler::{Cause, LogError, Position};
use lastsave_storage::{OpenOptions, Operation, StorageError};

use super::{AofLog, Role};
use crate::frame::Predecessor;
use crate::log_error::{failed, refused};
use crate::manifest::FileKind;
use crate::notice::Notice;

impl AofLog {
    pub(super) fn open_successor(&mut self, durable: Position) -> Result<(), LogError> {
        match self.current.take() {
            Some((segment, Role::Listed)) => self.left = Some(segment),
            Some((segment, Role::AwaitingAdoption)) => self.directory.remove_quietly(segment.name()),
            Some((segment, Role::AwaitingBase)) => {
                // Without its base there is nothing the new increment could follow.
                self.current = Some((segment, Role::AwaitingBase));
                return Err(LogError::Refused(Cause::new(
                    "start a new increment",
                    0,
                    "the increment in doubt still awaits its base",
                )));
            }
            None => {}
        }
        let Some(old) = &self.left else { return Err(LogError::Misuse("there is no increment to follow")) };
        let Some(end_offset) = old.offset_of(durable) else {
            return Err(LogError::Misuse("no write ended at the position given as durable"));
        };
        let sequence = old.sequence().expect("a listed increment has a number");
        let mut manifest = self.directory.manifest();
        let entry = manifest.push_increment(self.directory.names());
        let predecessor = Predecessor { sequence, end_offset };
        let segment = self.create_segment(&entry.name, Some(entry.sequence), Some(predecessor), durable)?;
        self.current = Some((segment, Role::AwaitingAdoption));
        Ok(())
    }

    pub(super) fn adopt_successor(&mut self, durable: Position, end: Position) -> Result<(), LogError> {
        let (Some((new, Role::AwaitingAdoption)), Some(old)) = (&self.current, &self.left) else {
            return Err(LogError::Misuse("no new increment awaits adoption"));
        };
        if new.end_position() != end {
            return Err(LogError::Misuse("the new increment does not end where it is adopted"));
        }
        let Some(cut) = old.offset_of(durable) else {
            return Err(LogError::Misuse("no write ended at the position given as durable"));
        };
        let sequence = old.sequence().expect("a listed increment has a number");
        let mut manifest = self.directory.manifest();
        let entry = manifest.push_increment(self.directory.names());
        assert_eq!(new.sequence(), Some(entry.sequence), "the new increment has the next number");
        let is_listed = manifest.set_cut(FileKind::Increment, sequence, Some(cut));
        assert!(is_listed, "the increment that is left is listed");

        // One step: from here on the old increment ends at the cut and the new one follows it.
        if let Err(error) = self.directory.persist(manifest.clone()) {
            if error.operation() != Operation::SyncDirectory {
                return Err(refused(&error));
            }
            // What anybody sees from now on is the new manifest; a repeated attempt writes it again.
            self.directory.adopt_in_doubt(manifest);
            self.take_over(cut);
            return Err(failed(&error));
        }
        self.cut_old_file(sequence, cut);
        self.take_over(cut);
        Ok(())
    }

    fn take_over(&mut self, cut: u64) {
        if let Some(old) = self.left.take() {
            self.closed.push((old.sequence().expect("a listed increment has a number"), cut));
        }
        if let Some((_, role)) = &mut self.current {
            *role = Role::Listed;
        }
    }

    /// Cuts the bytes off that the manifest has declared void. For the sake of other programs only: Lastsave itself
    /// heeds the declaration, which therefore stays if this fails.
    fn cut_old_file(&mut self, sequence: i64, cut: u64) {
        let Some(old) = &self.left else { return };
        let path = self.directory.names().path_in_directory(old.name());
        let through_fresh_handle = || -> Result<(), StorageError> {
            let file = self.directory.storage().open(&path, &OpenOptions::read_write())?;
            file.truncate(cut)?;
            file.sync()
        };
        match through_fresh_handle() {
            Ok(()) => self.directory.forget_cut(sequence),
            Err(error) => self.settings.notify(Notice::warning(format!(
                "Could not cut {} at offset {cut}: {}. The manifest declares the cut; Redis does not know this \
                 declaration and must not be started on this directory.",
                String::from_utf8_lossy(old.name()),
                error.reason()
            ))),
        }
    }
}
