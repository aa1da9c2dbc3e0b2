//! What the frames of a file prove, for reports.

use std::sync::Arc;

use lastsave_storage::{File, StorageError};

use crate::error::DamageReason;
use crate::frame::LongFields;
use crate::scan::{FileEnd, FileScanner, Found, survey};

/// Nothing is too much: a report wants to know of every valid frame.
const NO_LIMIT: u64 = u64::MAX;

/// What the frames of a file prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameReport {
    /// Bytes that are verified, or prepared space.
    pub verified_bytes: u64,
    /// Prepared space at the end, in bytes.
    pub prepared_bytes: u64,
    /// What the last valid long frame before any damage said.
    pub last_long: Option<LongFields>,
    /// The first damage, if any.
    pub damage: Option<DamageReport>,
}

/// Damage in a framed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamageReport {
    /// Where the damaged block begins; everything before is intact.
    pub offset: u64,
    /// What is wrong.
    pub text: String,
    /// Valid frames behind it.
    pub valid_frames_behind: u64,
    /// Where the last of them ends.
    pub valid_end: u64,
    /// A valid frame behind it that declares the damaged place durable: its offset, and what it declares.
    pub durable_mark: Option<(u64, u64)>,
}

impl FrameReport {
    /// Whether what is damaged is known to have been durable.
    #[must_use]
    pub fn proves_corruption(&self) -> bool {
        self.damage.as_ref().is_some_and(|damage| damage.durable_mark.is_some())
    }

    pub(super) fn summary(&self, name: &str) -> String {
        let mut text = format!("AOF {name} frames: {} bytes verified", self.verified_bytes);
        if self.prepared_bytes > 0 {
            text.push_str(&format!(", {} bytes of prepared space", self.prepared_bytes));
        }
        if let Some(damage) = &self.damage {
            text.push_str(&format!(
                ", damaged at offset {}, {} valid frames behind it",
                damage.offset, damage.valid_frames_behind
            ));
            if let Some((frame, durable)) = damage.durable_mark {
                text.push_str(&format!(" (the one at {frame} declares everything before {durable} durable)"));
            }
        }
        text
    }
}

/// Verifies every frame of a file; `None` for a file without frames.
///
/// # Errors
/// What the disk said.
pub fn survey_frames(file: &Arc<dyn File>, size: u64) -> Result<Option<FrameReport>, StorageError> {
    let mut scanner = FileScanner::new(Arc::clone(file), 0, size);
    let end = loop {
        if let Found::End(end) = scanner.find()? {
            break end;
        }
    };
    let last_long = scanner.last_long().copied();
    match end {
        FileEnd::Clean(clean) => Ok(clean.segment_id.map(|_| FrameReport {
            verified_bytes: clean.logical_end,
            prepared_bytes: size - clean.logical_end,
            last_long,
            damage: None,
        })),
        FileEnd::Damaged(damage) => {
            let is_headless = matches!(damage.reason, DamageReason::FrameWithoutHeader { .. });
            let Some(segment_id) = damage.segment_id.or(is_headless.then_some(0)) else { return Ok(None) };
            let found = survey(file, damage.offset, size, segment_id, &damage.block_starts, NO_LIMIT)?;
            Ok(Some(FrameReport {
                verified_bytes: damage.offset,
                prepared_bytes: 0,
                last_long,
                damage: Some(DamageReport {
                    offset: damage.offset,
                    text: damage.reason.to_string(),
                    valid_frames_behind: found.valid_frames,
                    valid_end: found.valid_end,
                    durable_mark: found.durable_mark,
                }),
            }))
        }
    }
}

/// The end of the last frame at or before `offset` in a framed file; `None` for a file without frames.
pub(super) fn frame_end_before(file: &Arc<dyn File>, offset: u64) -> Result<Option<u64>, StorageError> {
    // A file cut inside a block ends in damage that begins where the block does.
    let mut scanner = FileScanner::new(Arc::clone(file), 0, offset);
    loop {
        if let Found::End(end) = scanner.find()? {
            return Ok(match end {
                FileEnd::Clean(clean) => clean.segment_id.map(|_| clean.logical_end),
                FileEnd::Damaged(damage) => damage.segment_id.map(|_| damage.offset),
            });
        }
    }
}
