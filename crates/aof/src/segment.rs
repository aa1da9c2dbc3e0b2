//! One increment while it is written: blocks, frames, roll-back, and where positions lie in the file.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::sync::Arc;

use bytes::Bytes;
use lastsave_fsync_scheduler::{LogError, Position};
use lastsave_storage::{File, StorageError};

use crate::checksum::BlockChecksum;
use crate::digits::MAX_POSITION;
use crate::filler::{LINE_BYTES, may_end_at};
use crate::frame::{
    GUARD_LINE, Header, LONG_FRAME_BYTES, LongFields, SHORT_FRAME_BYTES, push_long_frame, push_short_frame,
};
use crate::log_error::{failed, write_error};
use crate::mutant::Mutant;
use crate::prepared::PreparedSpace;
use crate::record::begins_like_an_append_of_redis;

/// Bytes of prepared space written at once, on the writer's thread, before a job extends it.
const FIRST_STRETCH_BYTES: u64 = 32 * 1024;

/// What a long frame carries besides positions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameContext {
    pub(crate) long: bool,
    pub(crate) time_ms: u64,
    pub(crate) replication_id: crate::ReplicationId,
    pub(crate) replication_offset: u64,
}

/// An increment that is open for appending.
#[derive(Debug)]
pub(crate) struct Segment {
    file: Arc<dyn File>,
    name: Vec<u8>,
    /// Its number, once it is known; a temporary increment gets one when its base arrives.
    sequence: Option<i64>,
    /// The seed of the checksums; `None` when the file has no frames.
    segment_id: Option<u64>,
    /// Where the next write goes: behind the last frame.
    end: u64,
    end_position: Position,
    /// Ends of writes that are not known durable, oldest first: position and file offset.
    written: VecDeque<(Position, u64)>,
    /// The last known durable end.
    durable: (Position, u64),
    prepared: Option<Arc<PreparedSpace>>,
    /// Bytes that belong to nothing may lie behind `end`.
    tail_is_dirty: bool,
    /// Where the stream stood when the file was started; `None` when it held records already.
    started_at: Option<Position>,
}

impl Segment {
    /// Goes on in a file whose first `end` bytes are logged and durable and whose stream stands at `position`.
    pub(crate) fn resume(
        file: Arc<dyn File>,
        name: Vec<u8>,
        sequence: Option<i64>,
        segment_id: Option<u64>,
        end: u64,
        position: Position,
    ) -> Self {
        let durable = (position, end);
        let written = VecDeque::new();
        Self {
            file,
            name,
            sequence,
            segment_id,
            end,
            end_position: position,
            written,
            durable,
            prepared: None,
            tail_is_dirty: false,
            started_at: None,
        }
    }

    /// Starts an empty file: writes the header, if the file is to have one, and syncs the file.
    pub(crate) fn start(
        file: Arc<dyn File>,
        name: Vec<u8>,
        sequence: Option<i64>,
        header: Option<&Header>,
        position: Position,
    ) -> Result<Self, StorageError> {
        let line = header.map(Header::to_line).unwrap_or_default();
        file.write_all_at(&line, 0)?;
        file.sync()?;
        let segment_id = header.map(|header| header.segment_id);
        let segment = Self::resume(file, name, sequence, segment_id, line.len() as u64, position);
        Ok(Self { started_at: Some(position), ..segment })
    }

    pub(crate) fn file(&self) -> &Arc<dyn File> {
        &self.file
    }

    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    pub(crate) fn sequence(&self) -> Option<i64> {
        self.sequence
    }

    /// Logical length: everything but prepared space.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    pub(crate) fn end_position(&self) -> Position {
        self.end_position
    }

    /// Whether nothing was logged to the file since it was started.
    pub(crate) fn is_without_record(&self) -> bool {
        self.started_at == Some(self.end_position)
    }

    /// The file has its final name and number now.
    pub(crate) fn set_name(&mut self, name: Vec<u8>, sequence: i64) {
        self.name = name;
        self.sequence = Some(sequence);
    }

    /// The file is temporary again.
    pub(crate) fn forget_sequence(&mut self, name: Vec<u8>) {
        self.name = name;
        self.sequence = None;
    }

    /// The file offset of a position known durable; `None` when no write ended there.
    pub(crate) fn offset_of(&self, position: Position) -> Option<u64> {
        let known = std::iter::once(&self.durable).chain(&self.written);
        known.rev().find(|(end, _)| *end == position).map(|&(_, offset)| offset)
    }

    /// Everything has been synced, the last mark included: whoever follows this increment says that it ends here.
    pub(crate) fn note_synced(&mut self) {
        self.written.clear();
        self.durable = (self.end_position, self.end);
    }

    /// Takes note of what is durable.
    fn advance_durable(&mut self, durable: Position) {
        while let Some(&(position, offset)) = self.written.front()
            && position <= durable
        {
            self.durable = (position, offset);
            self.written.pop_front();
        }
    }

    /// Writes `batch` and the frame that closes it.
    pub(crate) fn write(
        &mut self,
        batch: &[Bytes],
        end: Position,
        durable: Position,
        context: &FrameContext,
    ) -> Result<(), LogError> {
        assert!(end >= self.end_position, "positions never decrease");
        self.advance_durable(durable);
        let block = match self.segment_id {
            Some(segment_id) => self.framed_block(segment_id, batch, context),
            None => Block { guard: false, closing: Vec::new(), bytes: payload_bytes(batch) },
        };
        let new_end = self.end + block.bytes;
        assert!(new_end <= MAX_POSITION, "a file position fits its field");
        if self.tail_is_dirty {
            self.roll_back()?;
        }
        if let Some(space) = &self.prepared
            && new_end > space.writable_end()
        {
            self.leave_prepared_space()?;
        }
        let mut slices = Vec::with_capacity(batch.len() + 2);
        if block.guard {
            slices.push(IoSlice::new(GUARD_LINE));
        }
        slices.extend(batch.iter().map(|bytes| IoSlice::new(bytes)));
        slices.push(IoSlice::new(&block.closing));
        if let Err(error) = self.file.write_all_vectored_at(&mut slices, self.end) {
            self.roll_back()?;
            return Err(write_error(&error));
        }
        self.end = new_end;
        if end > self.end_position {
            self.written.push_back((end, new_end));
            self.end_position = end;
        }
        // A mark ends where the block before it ended in the stream. The offset on record for that position stays the
        // block's: a sync that is under way covers the block, perhaps not the mark.
        Ok(())
    }

    fn framed_block(&self, segment_id: u64, batch: &[Bytes], context: &FrameContext) -> Block {
        let guard = begins_like_an_append_of_redis(batch);
        let mut checksum = BlockChecksum::new(segment_id);
        let mut block_end = self.end;
        if guard {
            checksum.update(GUARD_LINE);
            block_end += GUARD_LINE.len() as u64;
        }
        for bytes in batch {
            checksum.update(bytes);
            block_end += bytes.len() as u64;
        }
        let frame_bytes = if context.long { LONG_FRAME_BYTES } else { SHORT_FRAME_BYTES } as u64;
        let mut closing = Vec::with_capacity(LONG_FRAME_BYTES + GUARD_LINE.len());
        // A block that does not fit the prepared space is appended after that was cut off.
        if let Some(space) = &self.prepared
            && block_end + frame_bytes <= space.writable_end()
            && !may_end_at(block_end + frame_bytes, space.writable_end())
        {
            closing.extend_from_slice(GUARD_LINE);
            checksum.update(GUARD_LINE);
            block_end += GUARD_LINE.len() as u64;
        }
        if context.long {
            let fields = LongFields {
                durable: if Mutant::MarkTooEarly.is_on() { block_end } else { self.durable.1 },
                time_ms: context.time_ms,
                replication_offset: context.replication_offset,
                replication_id: context.replication_id,
            };
            push_long_frame(&mut closing, block_end, &fields, &checksum);
        } else {
            push_short_frame(&mut closing, block_end, &checksum);
        }
        Block { guard, closing, bytes: block_end + frame_bytes - self.end }
    }

    /// Writes a long frame that covers nothing new.
    pub(crate) fn mark(&mut self, durable: Position, context: &FrameContext) -> Result<(), LogError> {
        if self.segment_id.is_none() {
            return Ok(());
        }
        self.write(&[], self.end_position, durable, context)
    }

    /// Back to the last frame after a write that failed.
    fn roll_back(&mut self) -> Result<(), LogError> {
        if self.prepared.is_some() {
            self.leave_prepared_space()?;
        } else {
            self.file.truncate(self.end).map_err(|error| failed(&error))?;
        }
        self.tail_is_dirty = false;
        Ok(())
    }

    /// From overwriting back to appending, when a write does not fit the prepared space. The cut is durable before
    /// anything is written over it: what lies behind a fence is never a write of ours.
    fn leave_prepared_space(&mut self) -> Result<(), LogError> {
        self.abandon_prepared_space();
        self.file.truncate(self.end).map_err(|error| failed(&error))?;
        self.file.datasync().map_err(|error| failed(&error))
    }

    fn abandon_prepared_space(&mut self) {
        if let Some(space) = self.prepared.take() {
            space.abandon();
        }
    }

    /// Cuts prepared space off. Not durable before the next sync.
    pub(crate) fn trim(&mut self) -> Result<(), LogError> {
        if self.prepared.is_some() {
            self.abandon_prepared_space();
            self.file.truncate(self.end).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Work that makes or extends prepared space, `step_bytes` at a time, when less than half a step is left.
    pub(crate) fn prepare(
        &mut self,
        step_bytes: u64,
    ) -> Option<impl FnOnce() -> Result<(), LogError> + Send + use<>> {
        let segment_id = self.segment_id?;
        let space = match &self.prepared {
            Some(space) if space.writable_end().saturating_sub(self.end) >= step_bytes / 2 => return None,
            Some(space) => space,
            None => match PreparedSpace::begin(&self.file, segment_id, self.end, FIRST_STRETCH_BYTES) {
                Ok(space) => self.prepared.insert(space),
                Err(_) => {
                    // No room for it: cut off what was written of it, now or before the next write.
                    self.tail_is_dirty = self.file.truncate(self.end).is_err();
                    return None;
                }
            },
        };
        space.extend_job(step_bytes.max(LINE_BYTES))
    }
}

/// What one write puts into the file around its payload.
struct Block {
    guard: bool,
    closing: Vec<u8>,
    bytes: u64,
}

fn payload_bytes(batch: &[Bytes]) -> u64 {
    batch.iter().map(|bytes| bytes.len() as u64).sum()
}
