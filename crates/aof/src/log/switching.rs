//! Moving to another file at a cut, and ending the log.

use lastsave_fsync_scheduler::{LogError, Position, Switch};
use lastsave_storage::Operation;

use super::{AofLog, Role};
use crate::frame::Predecessor;
use crate::log_error::{directory_error, failed, refused};
use crate::mutant::Mutant;
use crate::notice::Notice;

impl AofLog {
    pub(super) fn switch_to(
        &mut self,
        kind: Switch,
        at: Position,
        durable: Position,
    ) -> Result<(), LogError> {
        match kind {
            Switch::Rewrite => self.switch_to_next_increment(kind, at, durable),
            Switch::Backup => self.seal(at, durable),
            Switch::Enable => self.collect_for_first_base(at),
            Switch::Rebase => self.collect_for_new_base(at),
            Switch::Disable => self.turn_off(at, durable),
            _ => Err(LogError::Misuse("a kind of switch this log does not know")),
        }
    }

    /// The files before the cut are closed, and put aside for a backup. An increment without a record is gone on with.
    fn seal(&mut self, at: Position, durable: Position) -> Result<(), LogError> {
        match &self.current {
            Some((segment, Role::Listed)) if segment.end_position() == at && segment.is_without_record() => {}
            _ => self.switch_to_next_increment(Switch::Backup, at, durable)?,
        }
        let manifest = self.directory.manifest().without_last_increment();
        // Files without frames may be older than the setting: what comes before a header line says where they end.
        let is_framed = self.settings.frames();
        self.directory.seal(manifest, is_framed);
        Ok(())
    }

    /// (1) drain and sync the old increment, (2) create and sync the new one and its name, (3) list it, durably.
    fn switch_to_next_increment(
        &mut self,
        kind: Switch,
        at: Position,
        durable: Position,
    ) -> Result<(), LogError> {
        match &self.current {
            Some((segment, Role::Listed)) if segment.end_position() == at => {}
            Some((_, Role::Listed)) => return Err(LogError::Misuse("the increment does not end at the cut")),
            _ => return Err(LogError::Misuse("only a listed increment can be followed by another")),
        }
        self.finish_current(durable)?;
        let (old, _) = self.current.as_ref().expect("checked above");
        let sequence = old.sequence().expect("a listed increment has a number");
        let predecessor = Predecessor { sequence, end_offset: old.end() };

        let mut manifest = self.directory.manifest();
        let entry = manifest.push_increment(self.directory.names());
        self.settings.notify(Notice::info(format!(
            "Creating AOF incr file {} on background rewrite",
            entry.display_name()
        )));
        let new = self.create_segment(&entry.name, Some(entry.sequence), Some(predecessor), at)?;
        if let Err(error) = self.directory.persist(manifest.clone()) {
            if error.operation() == Operation::SyncDirectory {
                // Either manifest may be found after a crash, and the new one ends the old increment here: it must not be
                // written any more, and the new increment stays as empty as it is.
                self.directory.adopt_in_doubt(manifest);
                self.current_mut()?.note_synced();
                return Err(failed(&error));
            }
            self.directory.remove_quietly(&entry.name);
            return Err(refused(&error));
        }
        self.replace_current(new);
        if kind == Switch::Rewrite {
            self.rewrite_keeps_from = Some(entry.sequence);
        }
        Ok(())
    }

    fn replace_current(&mut self, new: crate::segment::Segment) {
        if let Some((old, Role::Listed)) = self.current.replace((new, Role::Listed)) {
            self.remember_closed(&old);
        }
    }

    /// Closing frame, trim, sync.
    fn finish_current(&mut self, durable: Position) -> Result<(), LogError> {
        let end = self.current_mut()?.end_position();
        let context = self.context(end, true);
        let segment = self.current_mut()?;
        segment.trim()?;
        match segment.mark(durable, &context) {
            // The mark is a help, not a need: the last block has its own frame.
            Err(LogError::Full(_)) | Ok(()) => {}
            Err(error) => return Err(error),
        }
        if !Mutant::OldIncrementUnsynced.is_on() {
            segment.file().datasync().map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// `appendonly yes` at run time: collect in a temporary increment until there is a base to list it with.
    fn collect_for_first_base(&mut self, at: Position) -> Result<(), LogError> {
        if self.current.is_some() {
            return Err(LogError::Misuse("the log is on already"));
        }
        self.directory.refuse_orphans().map_err(|error| directory_error(&error))?;
        self.directory.ensure_exists().map_err(|error| refused(&error))?;
        self.open_temporary(at)
    }

    /// The current increment is given up; a snapshot at `at` will replace everything before it.
    fn collect_for_new_base(&mut self, at: Position) -> Result<(), LogError> {
        match self.current.take() {
            Some((segment, Role::Listed)) => self.left = Some(segment),
            Some((segment, Role::AwaitingBase | Role::AwaitingAdoption)) => {
                self.directory.remove_quietly(segment.name());
            }
            None => {}
        }
        self.rewrite_keeps_from = None;
        let outcome = self.open_temporary(at);
        if outcome.is_err()
            && let Some(segment) = self.left.take()
        {
            self.current = Some((segment, Role::Listed));
        }
        outcome
    }

    fn open_temporary(&mut self, at: Position) -> Result<(), LogError> {
        let name = self.directory.names().temporary_increment();
        self.settings.notify(Notice::info(format!(
            "Creating AOF incr file {} to work together with the base that is being written",
            String::from_utf8_lossy(&name)
        )));
        let segment = self.create_segment(&name, None, None, at)?;
        self.current = Some((segment, Role::AwaitingBase));
        Ok(())
    }

    fn turn_off(&mut self, at: Position, durable: Position) -> Result<(), LogError> {
        match &self.current {
            Some((_, Role::Listed)) => self.close_cleanly(at, durable)?,
            Some(_) => self.give_up_base(),
            None => {}
        }
        if let Some((segment, Role::Listed)) = self.current.take() {
            self.remember_closed(&segment);
        }
        self.left = None;
        self.rewrite_keeps_from = None;
        Ok(())
    }

    /// Everything has been written and synced: put that on record, so that damage found later is known to be damage.
    pub(super) fn close_cleanly(&mut self, at: Position, durable: Position) -> Result<(), LogError> {
        let Some((segment, _)) = &self.current else { return Ok(()) };
        if segment.end_position() != at {
            return Err(LogError::Misuse("the log does not end where it is closed"));
        }
        let segment = self.current_mut()?;
        segment.trim()?;
        segment.file().datasync().map_err(|error| failed(&error))?;
        let context = self.context(at, true);
        let segment = self.current_mut()?;
        match segment.mark(at.max(durable), &context) {
            Ok(()) => segment.file().datasync().map_err(|error| failed(&error)),
            Err(LogError::Full(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
