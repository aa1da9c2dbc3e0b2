//! Looks behind a damaged place for frames that still prove something.

use std::sync::Arc;

use lastsave_storage::{File, StorageError};

use super::window::Window;
use crate::checksum::BlockChecksum;
use crate::frame::{FrameKind, FrameLine, LONG_FRAME_BYTES, SHORT_FRAME_BYTES};

/// Block beginnings that are tried at once. A value may hold lines that look like frames, and each of them could be the
/// real end of a block.
const BLOCKS_TRIED_MAX: usize = 40;

/// Bytes looked at in one go.
const STEP_BYTES: usize = 256 * 1024;

/// What was found behind a damaged place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// A valid frame that declares durable what includes the damaged place: its offset and what it declares.
    pub(crate) durable_mark: Option<(u64, u64)>,
    /// Valid frames.
    pub(crate) valid_frames: u64,
    /// Where the last of them ends.
    pub(crate) valid_end: u64,
    /// The first line that is shaped like a frame and stands where it says, valid or not.
    pub(crate) first_frame_like: Option<u64>,
    /// Every byte is zero.
    pub(crate) only_zeros: bool,
}

/// Surveys `damaged..limit` of a file whose frames are seeded by `segment_id`. `block_starts` are places where a block
/// may begin, besides those that the bytes themselves show. Stops as soon as the survey proves corruption.
pub(crate) fn survey(
    file: &Arc<dyn File>,
    damaged: u64,
    limit: u64,
    segment_id: u64,
    block_starts: &[u64],
    sync_window_bytes: u64,
) -> Result<Survey, StorageError> {
    let mut surveyor = Surveyor {
        damaged,
        blocks: Vec::new(),
        segment_id,
        found: Survey { valid_end: damaged, only_zeros: true, ..Survey::default() },
    };
    surveyor.try_block(damaged);
    for &start in block_starts {
        surveyor.try_block(start);
    }
    let mut window = Window::new(Arc::clone(file), damaged, limit);
    loop {
        let available = window.fill(STEP_BYTES)?;
        if available == 0 {
            return Ok(surveyor.found);
        }
        let is_last = available as u64 == window.remaining();
        // A line that is cut by the end of the step is looked at in the next one.
        let usable = if is_last { available } else { available - (LONG_FRAME_BYTES - 1) };
        surveyor.look(window.available(), usable, window.offset());
        if surveyor.found.durable_mark.is_some() || surveyor.found.valid_end - damaged > sync_window_bytes {
            return Ok(surveyor.found);
        }
        window.advance(usable);
    }
}

struct Surveyor {
    damaged: u64,
    segment_id: u64,
    /// Blocks under way: where they begin and the checksum of what has been passed.
    blocks: Vec<(u64, BlockChecksum)>,
    found: Survey,
}

impl Surveyor {
    fn try_block(&mut self, start: u64) {
        if self.blocks.iter().any(|&(other, _)| other == start) {
            return;
        }
        if self.blocks.len() == BLOCKS_TRIED_MAX {
            self.blocks.remove(0);
        }
        self.blocks.push((start, BlockChecksum::new(self.segment_id)));
    }

    /// Looks at `bytes[..usable]`, which begins at file offset `offset`.
    fn look(&mut self, bytes: &[u8], usable: usize, offset: u64) {
        self.found.only_zeros = self.found.only_zeros && bytes[..usable].iter().all(|&byte| byte == 0);
        let mut passed = 0;
        let mut from = 0;
        while let Some(hit) = bytes[from..usable].iter().position(|&byte| byte == b'#') {
            let at = from + hit;
            from = at + 1;
            let length = match bytes.get(at + 1) {
                Some(b'.') => SHORT_FRAME_BYTES,
                Some(b':') => LONG_FRAME_BYTES,
                _ => continue,
            };
            let Some(line) = bytes.get(at..at + length) else { continue };
            let Some(frame) = FrameLine::parse(line).filter(|frame| frame.position == offset + at as u64)
            else {
                continue;
            };
            self.pass(&bytes[passed..at], offset + passed as u64);
            passed = at;
            self.judge(&frame, line);
        }
        self.pass(&bytes[passed..usable], offset + passed as u64);
    }

    fn pass(&mut self, bytes: &[u8], offset: u64) {
        let end = offset + bytes.len() as u64;
        for (start, checksum) in self.blocks.iter_mut().filter(|(start, _)| *start < end) {
            checksum.update(&bytes[start.saturating_sub(offset) as usize..]);
        }
    }

    fn judge(&mut self, frame: &FrameLine, line: &[u8]) {
        self.found.first_frame_like.get_or_insert(frame.position);
        let end = frame.position + line.len() as u64;
        let is_valid = self
            .blocks
            .iter()
            .any(|(start, checksum)| *start <= frame.position && frame.closes(line, checksum));
        if is_valid {
            self.found.valid_frames += 1;
            self.found.valid_end = end;
            self.blocks.clear();
            if let FrameKind::Long(fields) = frame.kind
                && fields.durable > self.damaged
            {
                self.found.durable_mark.get_or_insert((frame.position, fields.durable));
            }
        }
        self.try_block(end);
    }
}
