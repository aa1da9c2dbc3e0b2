//! Blocks: what is framed counts once the frame that closes it has been verified.

use super::{Block, CleanEnd, Damage, FileEnd, FileScanner, Found, Item, Mode, Pending, TimeMark};
use crate::checksum::BlockChecksum;
use crate::error::DamageReason;
use crate::frame::{
    FrameKind, FrameLine, LONG_FRAME_BYTES, SHORT_FRAME_BYTES, has_frame_tag, is_part_of_fence,
};
use crate::mutant::Mutant;
use crate::record::{TIMESTAMP_TAG, is_first_append_of_redis};

impl FileScanner {
    pub(super) fn enter_framed(&mut self, segment_id: u64) {
        self.mode = Mode::Framed { segment_id, block: Block::default() };
        self.window.start_checksum(segment_id);
        self.begin_unit();
    }

    pub(super) fn leave_framed(&mut self) {
        self.mode = Mode::Loose;
        self.window.stop_checksum();
        self.has_foreign_suffix = true;
        // What Redis appended is a unit of its own.
        self.unit_start = self.window.offset();
    }

    pub(super) fn block(&mut self) -> &mut Block {
        match &mut self.mode {
            Mode::Framed { block, .. } => block,
            Mode::Loose => unreachable!("only asked for between frames"),
        }
    }

    pub(super) fn framed(&mut self, item: Item) -> Option<Found> {
        match item {
            Item::Annotation { line } => self.framed_annotation(line),
            Item::Record { bytes } => {
                if self.is_append_of_redis() {
                    self.leave_framed();
                    return self.loose(Item::Record { bytes });
                }
                if self.block().has_fence && !self.block().has_content {
                    return Some(self.framed_damage(DamageReason::Unframed { records: 1 }));
                }
                self.block().has_content = true;
                self.follow_group();
                self.push_record(bytes);
                None
            }
            Item::PassedRecord => {
                self.block().has_content = true;
                self.records_seen += 1;
                None
            }
            Item::End => {
                if !self.block().has_content {
                    return Some(self.framed_clean());
                }
                let reason = match self.group {
                    Some(_) => DamageReason::GroupTruncated,
                    None => DamageReason::Unframed { records: self.records_seen },
                };
                Some(self.framed_damage(reason))
            }
            Item::Damaged(DamageReason::AnnotationTruncated) if self.is_filler_to_the_end() => {
                Some(self.framed_clean())
            }
            Item::Damaged(reason) => {
                self.suspect(self.item_start);
                Some(self.framed_damage(reason))
            }
        }
    }

    /// Redis begins every append with its database; a block of ours never begins like that.
    pub(super) fn is_append_of_redis(&mut self) -> bool {
        let block = self.block();
        let is_first = !block.has_content && (block.has_fence || !block.has_filler);
        if !is_first || self.is_spilled {
            return false;
        }
        let arguments: Vec<&[u8]> =
            self.fresh_arguments().take(3).map(|index| self.argument(index)).collect();
        is_first_append_of_redis(&arguments)
    }

    pub(super) fn is_filler_to_the_end(&mut self) -> bool {
        if self.block().has_content {
            return false;
        }
        let rest = self.window.available();
        let body = rest.strip_suffix(b"\r").unwrap_or(rest);
        body.iter().all(|&byte| byte == b'#') || is_part_of_fence(rest)
    }

    pub(super) fn framed_annotation(&mut self, line: usize) -> Option<Found> {
        let offset = self.window.offset();
        let text = self.line(line);
        if let Some(body) = text.strip_suffix(b"\r\n")
            && body.iter().all(|&byte| byte == b'#')
        {
            let block = self.block();
            if !block.has_content {
                block.has_filler = true;
            }
            self.take_line(line);
            return None;
        }
        if let Some(frame) = FrameLine::parse(text)
            && frame.position == offset
        {
            return self.frame_line(frame, line);
        }
        if has_frame_tag(text) {
            self.suspect(offset);
            return Some(self.framed_damage(DamageReason::BadFrame { at: offset }));
        }
        let block = self.block();
        let is_first = !block.has_content && (block.has_fence || !block.has_filler);
        if is_first && self.line(line).starts_with(TIMESTAMP_TAG) {
            self.leave_framed();
            return self.loose(Item::Annotation { line });
        }
        self.suspect(offset);
        self.block().has_content = true;
        self.note_annotated_time(line);
        self.take_line(line);
        None
    }

    pub(super) fn frame_line(&mut self, frame: FrameLine, line: usize) -> Option<Found> {
        let offset = self.window.offset();
        let closes = |checksum: &BlockChecksum| {
            frame.closes(self.line(line), checksum) || Mutant::FrameUnchecked.is_on()
        };
        if frame.kind == FrameKind::Fence {
            let Mode::Framed { segment_id, .. } = self.mode else {
                unreachable!("frames only count in their mode")
            };
            if !closes(&BlockChecksum::new(segment_id)) {
                return Some(self.framed_damage(DamageReason::BadFrame { at: offset }));
            }
            let block = self.block();
            block.has_fence |= !block.has_content;
            self.take_line(line);
            return None;
        }
        if !closes(self.window.checksum().expect("a checksum runs between frames")) {
            // The next block begins behind this line, whatever is wrong with this one.
            self.block().suspected_starts.push(offset + line as u64);
            let stored = frame.checksum;
            return Some(self.framed_damage(DamageReason::ChecksumMismatch { at: offset, stored }));
        }
        if self.group.is_some() {
            return Some(self.framed_damage(DamageReason::GroupTruncated));
        }
        if let FrameKind::Long(fields) = frame.kind {
            self.last_long = Some(fields);
            if let Some(times) = &mut self.times {
                times.push(TimeMark::Frame { end: offset + line as u64, time_ms: fields.time_ms });
            }
        }
        let Mode::Framed { segment_id, block } = &mut self.mode else {
            unreachable!("checked by the caller")
        };
        let segment_id = *segment_id;
        *block = Block::default();
        if self.records_seen == 0 {
            self.take_line(line);
            self.window.start_checksum(segment_id);
            self.begin_unit();
            return None;
        }
        let found = self.hand_out(offset);
        // The line is passed when the caller comes back, because passing it may move what is in memory.
        self.window.stop_checksum();
        self.pending = Some(Pending::Bytes(line));
        Some(found)
    }

    pub(super) fn suspect(&mut self, line_start: u64) {
        let starts = &mut self.block().suspected_starts;
        if starts.len() >= 32 {
            starts.drain(..2);
        }
        starts.push(line_start + SHORT_FRAME_BYTES as u64);
        starts.push(line_start + LONG_FRAME_BYTES as u64);
    }

    pub(super) fn framed_clean(&mut self) -> Found {
        let Mode::Framed { segment_id, .. } = self.mode else {
            unreachable!("only asked for between frames")
        };
        Found::End(FileEnd::Clean(CleanEnd {
            logical_end: self.unit_start,
            segment_id: Some(segment_id),
            has_foreign_suffix: false,
        }))
    }

    pub(super) fn framed_damage(&mut self, reason: DamageReason) -> Found {
        let Mode::Framed { segment_id, block } = &mut self.mode else {
            unreachable!("only asked for between frames")
        };
        let block_starts = std::mem::take(&mut block.suspected_starts);
        let damage = Damage { offset: self.unit_start, reason, segment_id: Some(*segment_id), block_starts };
        Found::End(FileEnd::Damaged(damage))
    }
}
