//! The decision table: what becomes of a damaged file. The rows are those of `docs/formats/aof.md`.

use std::sync::Arc;

use lastsave_storage::{File, OpenOptions};

use super::Loader;
use super::files::holds_record;
use crate::error::{AofError, Corruption, DamageReason, Evidence};
use crate::notice::Notice;
use crate::scan::{Damage, survey};

/// A tail that is to be cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Index of the file among those loaded.
    pub(crate) file: usize,
    /// The file keeps this many bytes.
    pub(crate) offset: u64,
    /// Bytes behind.
    pub(crate) bytes: u64,
    pub(crate) reason: DamageReason,
    /// Nothing in the tail is worth keeping a copy of.
    pub(crate) only_zeros: bool,
    /// The row of the decision table.
    pub(crate) row: &'static str,
}

impl Loader {
    /// Decides about damage in the file of that index: a tail to cut, or the reason not to start.
    pub(super) fn judge(
        &mut self,
        index: usize,
        damage: &Damage,
        file: &Arc<dyn File>,
    ) -> Result<Cut, AofError> {
        if let DamageReason::FrameWithoutHeader { .. } = damage.reason {
            // Row H1: frames that nothing can verify.
            return Err(self.corrupt(index, damage, Evidence::HeaderSynced));
        }
        match damage.segment_id {
            Some(segment_id) => self.judge_framed(index, damage, segment_id, file),
            None => self.judge_loose(index, damage, file),
        }
    }

    /// Rows F1 to F7: a file with frames. (F8 is decided by where the file is declared to end, F9 below.)
    fn judge_framed(
        &mut self,
        index: usize,
        damage: &Damage,
        segment_id: u64,
        file: &Arc<dyn File>,
    ) -> Result<Cut, AofError> {
        let loaded = &self.files[index];
        if loaded.is_declared || self.any_later_file_holds_a_record(index)? {
            // Row F6: damage in a file that was synced before the next one was started.
            return Err(self.corrupt(index, damage, Evidence::NotLastFile));
        }
        let found = survey(
            file,
            damage.offset,
            loaded.limit,
            segment_id,
            &damage.block_starts,
            self.options.sync_window_bytes,
        )?;
        if let Some((frame, durable)) = found.durable_mark {
            // Row F4: a valid frame vouches for what is damaged.
            return Err(self.corrupt(index, damage, Evidence::DurableMark { frame, durable }));
        }
        let valid_behind = found.valid_end - damage.offset;
        if valid_behind > self.options.sync_window_bytes {
            // Row F5: more valid data behind the damage than was ever unsynced.
            return Err(self.corrupt(index, damage, Evidence::BeyondSyncWindow { bytes: valid_behind }));
        }
        let (reason, row) = match &damage.reason {
            // Row F3: zeros, where a write had extended the file and its bytes never arrived.
            _ if found.only_zeros => (DamageReason::Zeros, "F3"),
            // Row F2: the end of the file is missing.
            reason if reason.is_truncation() => (reason.clone(), "F2"),
            DamageReason::Unframed { .. } => (damage.reason.clone(), "F2"),
            // Row F1: bytes that are not what was written.
            reason => (reason.clone(), "F1"),
        };
        self.torn_tail(index, damage.offset, reason, found.only_zeros, row)
    }

    /// Rows R1 to R5: a file without frames, by Redis' rules.
    fn judge_loose(&mut self, index: usize, damage: &Damage, file: &Arc<dyn File>) -> Result<Cut, AofError> {
        let loaded = &self.files[index];
        let name = loaded.entry.display_name();
        let (offset, reason) = (damage.offset, damage.reason.clone());
        let is_last = index + 1 == self.files.len();
        if reason.is_truncation() {
            if reason == DamageReason::GroupTruncated {
                self.push_notice(Notice::warning(format!(
                    "Revert incomplete MULTI/EXEC transaction in AOF file {name}"
                )));
            }
            if self.options.load_truncated && !is_last {
                // Row R3: nothing is cut before this is known.
                return Err(AofError::TruncatedNotLast { file: name, offset, reason });
            }
            // Rows R1 and R2.
            return self.torn_tail(index, offset, reason, false, "R1");
        }
        let tail_bytes = loaded.limit - offset;
        if is_last && tail_bytes <= self.options.corrupt_tail_max_bytes {
            let found = survey(file, offset, loaded.limit, 0, &[], u64::MAX)?;
            if let Some(at) = found.first_frame_like {
                // Row H1 again: the header is damaged, what follows it was framed.
                let damage = Damage { reason: DamageReason::FrameWithoutHeader { at }, ..damage.clone() };
                return Err(self.corrupt(index, &damage, Evidence::HeaderSynced));
            }
            // Row R5: the operator allowed to cut this much.
            return self.torn_tail(index, offset, reason, found.only_zeros, "R5");
        }
        // Row R4.
        Err(AofError::BadFormat { file: name, offset, reason })
    }

    fn torn_tail(
        &mut self,
        index: usize,
        offset: u64,
        reason: DamageReason,
        only_zeros: bool,
        row: &'static str,
    ) -> Result<Cut, AofError> {
        let loaded = &self.files[index];
        let file = loaded.entry.display_name();
        let bytes = loaded.limit - offset;
        if !self.options.load_truncated {
            // Rows F9 and R2.
            let is_framed = row.starts_with('F');
            return Err(AofError::Truncated { file, offset, reason, is_framed });
        }
        for text in [
            format!("!!! Warning: short read while loading the AOF file {file}!!!"),
            format!("AOF {file}: {bytes} bytes at offset {offset} will be cut: {reason} (case {row})"),
            format!("!!! Truncating the AOF {file} at offset {offset} !!!"),
        ] {
            self.push_notice(Notice::warning(text));
        }
        Ok(Cut { file: index, offset, bytes, reason, only_zeros, row })
    }

    fn any_later_file_holds_a_record(&self, index: usize) -> Result<bool, AofError> {
        for later in &self.files[index + 1..] {
            let file = self.directory.storage().open(&later.path, &OpenOptions::read_only())?;
            if holds_record(file, later.limit)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn corrupt(&self, index: usize, damage: &Damage, evidence: Evidence) -> AofError {
        AofError::Corrupt(Corruption {
            file: self.files[index].entry.display_name(),
            offset: damage.offset,
            reason: damage.reason.clone(),
            evidence,
        })
    }
}
