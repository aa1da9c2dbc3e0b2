//! Copying the beginning of an increment, so that what comes out is a sound file of its own.

use std::sync::Arc;

use lastsave_storage::{File, FileWriter, StorageError};

use crate::checksum::BlockChecksum;
use crate::error::DamageReason;
use crate::frame::{Header, LongFields, Predecessor, ReplicationId, push_long_frame, push_short_frame};
use crate::scan::{FileEnd, FileScanner, Found};
use crate::settings::LogSettings;

/// Bytes copied at once.
const STEP_BYTES: u64 = 256 << 10;

/// What [`copy_until`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartCopied {
    /// Bytes of the copy.
    pub bytes: u64,
    /// The last block was cut in its middle, and closed with a frame of its own.
    pub is_reframed: bool,
    /// The copy ends in a frame: an increment behind it should be begun with [`successor_header`].
    pub is_framed: bool,
}

/// Why the beginning of a file cannot be copied.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CutError {
    /// The file is damaged before the cut, or the cut is not where a unit begins.
    #[error("it is damaged at offset {offset}: {reason}")]
    Damaged {
        /// Where.
        offset: u64,
        /// What is wrong.
        reason: DamageReason,
    },
    /// What the disk said.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Copies the records of an increment before `cut`, which must be where a unit begins or the file ends. `out` must stand
/// at the start of its file.
///
/// Whole blocks are copied with their frames, byte for byte: a frame counts by its offset, which stays. A block that is
/// cut in its middle gets a frame for the part that is kept. Behind it stands a mark with the time `time_ms`, which
/// declares everything durable; it is for the caller to make that true before the copy gets its name.
///
/// # Errors
/// Damage before the cut, or what the disk said.
pub fn copy_until(
    file: &Arc<dyn File>,
    cut: u64,
    time_ms: u64,
    out: &mut FileWriter,
) -> Result<PartCopied, CutError> {
    let mut scanner = FileScanner::new(Arc::clone(file), 0, cut);
    let end = loop {
        if let Found::End(end) = scanner.find()? {
            break end;
        }
    };
    let (end, segment_id, block_start) = match end {
        FileEnd::Clean(clean) => (clean.logical_end, clean.segment_id, None),
        FileEnd::Damaged(damage) => match (damage.segment_id, &damage.reason) {
            // The frame of the last block lies behind the cut.
            (Some(segment_id), DamageReason::Unframed { .. }) => (cut, Some(segment_id), Some(damage.offset)),
            _ => return Err(CutError::Damaged { offset: damage.offset, reason: damage.reason }),
        },
    };
    let mut block = segment_id.map(BlockChecksum::new);
    let mut at = 0;
    let mut buffer = vec![0; STEP_BYTES.min(end) as usize];
    while at < end {
        let count = (end - at).min(buffer.len() as u64) as usize;
        let bytes = &mut buffer[..count];
        file.read_exact_at(bytes, at)?;
        if let (Some(start), Some(block)) = (block_start, &mut block) {
            let passed = start.saturating_sub(at).min(count as u64) as usize;
            block.update(&bytes[passed..]);
        }
        out.append(bytes)?;
        at += count as u64;
    }
    let Some(segment_id) = segment_id else {
        return Ok(PartCopied { bytes: end, is_reframed: false, is_framed: false });
    };
    let mut closing = Vec::new();
    if let Some(block) = block.filter(|_| block_start.is_some()) {
        push_short_frame(&mut closing, end, &block);
    }
    let durable = end + closing.len() as u64;
    // The history that goes on from here is not the one that was replicated.
    let fields = LongFields { durable, time_ms, replication_offset: 0, replication_id: ReplicationId::NONE };
    push_long_frame(&mut closing, durable, &fields, &BlockChecksum::new(segment_id));
    out.append(&closing)?;
    let bytes = end + closing.len() as u64;
    Ok(PartCopied { bytes, is_reframed: block_start.is_some(), is_framed: true })
}

/// The header line of an empty increment that follows one which ends at `end_offset`: the log goes on there and not in the
/// copy, whose checksums have the seed of another file.
#[must_use]
pub fn successor_header(sequence: i64, end_offset: u64, time_ms: u64) -> Vec<u8> {
    let segment_id = LogSettings::new().next_segment_id();
    let predecessor = Some(Predecessor { sequence, end_offset });
    Header { segment_id, start: 0, predecessor, time_ms }.to_line()
}
