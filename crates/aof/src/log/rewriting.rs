//! The second half of a rewrite: its base arrives, or does not.

use std::path::Path;

use lastsave_fsync_scheduler::{LogError, RewriteBase};
use lastsave_storage::{OpenOptions, Operation, StorageError, rename_durably};

use super::{AofLog, Role};
use crate::loader::begins_with_rdb;
use crate::log_error::{failed, refused};
use crate::manifest::{BaseForm, Manifest};
use crate::names::as_path;
use crate::notice::Notice;

impl AofLog {
    pub(super) fn adopt_base(&mut self, base: &RewriteBase) -> Result<(), LogError> {
        let awaits_base = matches!(self.current, Some((_, Role::AwaitingBase)));
        if !awaits_base && self.rewrite_keeps_from.is_none() {
            return Err(LogError::Misuse("no rewrite is under way"));
        }
        let from = Path::new(&base.name);
        let form = self.form_of(from).map_err(|error| refused(&error))?;
        let mut manifest = self.directory.manifest();
        let new_base = manifest.replace_base(self.directory.names(), form);

        if awaits_base && self.directory.needs_plan() {
            let mut plan = manifest.clone();
            plan.push_increment(self.directory.names());
            self.directory.announce(&plan).map_err(|error| refused(&error))?;
        }
        let notice = self.directory.move_into_place(from, &new_base).map_err(|error| refused(&error))?;
        self.settings.notify(notice);
        if awaits_base {
            if let Err(error) = self.name_temporary_increment(&mut manifest) {
                self.directory.remove_quietly(&new_base.name);
                return Err(refused(&error));
            }
        } else {
            let first = self.rewrite_keeps_from.expect("checked above");
            let keep = manifest.increments().iter().filter(|entry| entry.sequence >= first).count();
            manifest.retire_increments(keep);
        }
        if let Err(error) = self.directory.publish(manifest.clone()) {
            return Err(self.after_failed_persist(&error, manifest, awaits_base));
        }
        self.base_is_adopted(base.size_bytes);
        Ok(())
    }

    /// Redis names a base by the form in which it was asked for; looking is safer than remembering.
    fn form_of(&self, path: &Path) -> Result<BaseForm, StorageError> {
        let file = self.directory.storage().open(path, &OpenOptions::read_only())?;
        let mut magic = [0; 8];
        match file.read_exact_at(&mut magic, 0) {
            Ok(()) if begins_with_rdb(&magic) => Ok(BaseForm::Rdb),
            Ok(()) => Ok(BaseForm::Commands),
            Err(error) if error.errno().is_none() && !error.is_crash() => Ok(BaseForm::Commands),
            Err(error) => Err(error),
        }
    }

    /// The temporary increment takes the next name and becomes the only increment of `manifest`.
    fn name_temporary_increment(&mut self, manifest: &mut Manifest) -> Result<(), StorageError> {
        let entry = manifest.push_increment(self.directory.names());
        manifest.retire_increments(1);
        let (segment, _) = self.current.as_mut().expect("an increment awaits its base");
        let notice = self
            .directory
            .move_into_place(&self.directory.names().path_in_directory(segment.name()), &entry)?;
        segment.set_name(entry.name, entry.sequence);
        self.settings.notify(notice);
        Ok(())
    }

    /// Undoes what has been renamed, so that the state before goes on; or settles for the state after, when the
    /// manifest on disk may already be the new one.
    fn after_failed_persist(&mut self, error: &StorageError, after: Manifest, awaits_base: bool) -> LogError {
        if error.operation() == Operation::SyncDirectory {
            // The new manifest is what anybody sees from now on, and both it and the old one find their files, because
            // history is not deleted while in doubt. But what is written next is only durable once a manifest is.
            self.directory.adopt_in_doubt(after);
            let base_bytes = self.base_file_bytes;
            self.base_is_adopted(base_bytes);
            return failed(error);
        }
        let new_base = after.base().expect("the manifest has the new base");
        self.directory.remove_quietly(&new_base.name);
        if awaits_base && let Some((segment, _)) = &mut self.current {
            let temporary = self.directory.names().temporary_increment();
            let restored = rename_durably(
                &**self.directory.storage(),
                &self.directory.names().path_in_directory(segment.name()),
                &self.directory.names().path_in_directory(&temporary),
            );
            // The file keeps its new name when even this fails; it is unlisted under either.
            if restored.is_ok() {
                segment.forget_sequence(temporary);
            }
        }
        refused(error)
    }

    fn base_is_adopted(&mut self, base_bytes: u64) {
        self.base_file_bytes = base_bytes;
        let listed = self.directory.manifest();
        self.closed
            .retain(|(sequence, _)| listed.increments().iter().any(|entry| entry.sequence == *sequence));
        if let Some((_, role)) = &mut self.current
            && *role == Role::AwaitingBase
        {
            *role = Role::Listed;
            self.left = None;
            self.closed.clear();
        }
        self.rewrite_keeps_from = None;
        self.growth_base_bytes = lastsave_fsync_scheduler::Log::bytes(self).current;
    }

    /// The base does not come.
    pub(super) fn give_up_base(&mut self) {
        self.rewrite_keeps_from = None;
        if let Some((_, Role::AwaitingBase)) = &self.current
            && let Some((segment, _)) = self.current.take()
        {
            self.settings.notify(Notice::info(format!(
                "Removing the temp incr aof file {} in the background",
                as_path(segment.name()).display()
            )));
            self.directory.remove_quietly(segment.name());
        }
    }
}
