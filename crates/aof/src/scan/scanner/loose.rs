//! Redis' rules: what is not framed counts record by record, transaction by transaction.

use super::{CleanEnd, Damage, FileEnd, FileScanner, Found, Item, LOOSE_BATCH_BYTES};
use crate::error::DamageReason;
use crate::frame::{FrameLine, Header};

impl FileScanner {
    pub(super) fn loose(&mut self, item: Item) -> Option<Found> {
        match item {
            Item::Annotation { line } => self.loose_annotation(line),
            Item::Record { bytes } => {
                self.follow_group();
                self.push_record(bytes);
                let is_enough = self.window.held_bytes() >= LOOSE_BATCH_BYTES || self.is_spilled;
                (is_enough && self.group.is_none()).then(|| self.hand_out(self.window.offset()))
            }
            Item::PassedRecord => {
                self.records_seen += 1;
                self.group.is_none().then(|| self.hand_out(self.window.offset()))
            }
            Item::End => {
                let end = match self.group {
                    Some((offset, _)) => self.loose_damage(offset, DamageReason::GroupTruncated),
                    None => FileEnd::Clean(CleanEnd {
                        logical_end: self.window.offset(),
                        segment_id: None,
                        has_foreign_suffix: self.has_foreign_suffix,
                    }),
                };
                Some(self.end_after_units(end))
            }
            Item::Damaged(reason) => {
                let (offset, reason) = match self.group {
                    Some((offset, _)) if reason.is_truncation() => (offset, DamageReason::GroupTruncated),
                    Some((offset, _)) => (offset, reason),
                    None => (self.item_start, reason),
                };
                let end = self.loose_damage(offset, reason);
                Some(self.end_after_units(end))
            }
        }
    }

    pub(super) fn loose_annotation(&mut self, line: usize) -> Option<Found> {
        let offset = self.window.offset();
        let header = (offset == 0).then(|| Header::from_line(self.line(line))).flatten();
        if let Some(header) = header {
            self.take_line(line);
            self.enter_framed(header.segment_id);
            return None;
        }
        let text = self.line(line);
        let is_ours = text.starts_with(b"#LASTSAVE ")
            || FrameLine::parse(text).is_some_and(|frame| frame.position == offset);
        if is_ours {
            let end = self.loose_damage(offset, DamageReason::FrameWithoutHeader { at: offset });
            return Some(self.end_after_units(end));
        }
        self.note_annotated_time(line);
        self.take_line(line);
        None
    }

    pub(super) fn loose_damage(&self, offset: u64, reason: DamageReason) -> FileEnd {
        FileEnd::Damaged(Damage { offset, reason, segment_id: None, block_starts: Vec::new() })
    }
}
