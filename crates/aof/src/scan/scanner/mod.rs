//! Walks one file and hands out what may be executed: verified blocks, or records of files without frames.

mod framed;
mod items;
mod loose;

use std::ops::Range;
use std::sync::Arc;

use lastsave_storage::{File, StorageError};

use super::window::Window;
use crate::error::DamageReason;
use crate::frame::LongFields;

/// A block or transaction of more than this is not kept in memory while it is verified, but read again afterwards.
const HELD_BYTES_MAX: usize = 16 << 20;

/// Records of a file without frames are handed out when about this much has been read.
const LOOSE_BATCH_BYTES: usize = 1 << 20;

/// A record in memory: its bytes and its arguments, as ranges of [`FileScanner::memory`].
#[derive(Clone, Debug)]
pub(crate) struct RecordSpan {
    pub(crate) offset: u64,
    pub(crate) bytes: Range<usize>,
    pub(crate) arguments: Range<usize>,
}

/// What [`FileScanner::find`] came upon.
#[derive(Debug)]
pub(crate) enum Found {
    /// Whole units, in memory: see [`FileScanner::records`].
    InMemory,
    /// Whole units too big to keep: to be read again from this range of the file.
    OnDisk(Range<u64>),
    /// The file ends, well or badly. Everything before has been handed out.
    End(FileEnd),
}

/// How a file ends.
#[derive(Clone, Debug)]
pub(crate) enum FileEnd {
    Clean(CleanEnd),
    Damaged(Damage),
}

/// A file without a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CleanEnd {
    /// What is behind is prepared space.
    pub(crate) logical_end: u64,
    /// The seed of the frames, when the file has frames up to its very end.
    pub(crate) segment_id: Option<u64>,
    /// Redis has appended behind our frames.
    pub(crate) has_foreign_suffix: bool,
}

/// A defect.
#[derive(Clone, Debug)]
pub(crate) struct Damage {
    /// Everything before is intact.
    pub(crate) offset: u64,
    pub(crate) reason: DamageReason,
    /// The seed of the frames where the damage is; `None` where Redis' rules hold.
    pub(crate) segment_id: Option<u64>,
    /// Offsets at which a block behind the damage may begin.
    pub(crate) block_starts: Vec<u64>,
}

/// What the next bytes are.
enum Item {
    Annotation {
        line: usize,
    },
    Record {
        bytes: usize,
    },
    /// A record too big to hold has been passed.
    PassedRecord,
    Damaged(DamageReason),
    End,
}

/// The rules that hold at the cursor.
#[derive(Debug)]
enum Mode {
    /// Redis' rules.
    Loose,
    /// Blocks closed by frames.
    Framed { segment_id: u64, block: Block },
}

/// What has been seen since the last frame.
#[derive(Debug, Default)]
struct Block {
    /// Filler or guard lines, before anything else.
    has_filler: bool,
    has_fence: bool,
    /// Anything but filler and fence.
    has_content: bool,
    /// Ends that a damaged frame line in the block would have had.
    suspected_starts: Vec<u64>,
}

/// What tells when the bytes around it were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeMark {
    /// A long frame that ends at this offset: what is before it was written by then, what follows it no earlier.
    Frame { end: u64, time_ms: u64 },
    /// A time annotation at this offset: what follows it was written in this second.
    Annotation { offset: u64, second: u64 },
}

/// Reads a file from some offset on.
#[derive(Debug)]
pub(crate) struct FileScanner {
    window: Window,
    mode: Mode,
    last_long: Option<LongFields>,
    /// Where the units not yet handed out begin.
    unit_start: u64,
    /// Where the item that is looked at begins. A big record may have been passed in part.
    item_start: u64,
    /// Where the transaction under way begins, and how many records there were before it.
    group: Option<(u64, usize)>,
    records: Vec<RecordSpan>,
    arguments: Vec<Range<usize>>,
    records_seen: u64,
    is_spilled: bool,
    pending: Option<Pending>,
    has_foreign_suffix: bool,
    /// Marks of time since they were last taken, when anybody wants them.
    times: Option<Vec<TimeMark>>,
}

#[derive(Debug)]
enum Pending {
    Bytes(usize),
    End(FileEnd),
}

impl FileScanner {
    /// Reads `file` from `offset` to `limit`. A header, if any, stands at offset 0.
    pub(crate) fn new(file: Arc<dyn File>, offset: u64, limit: u64) -> Self {
        Self {
            window: Window::new(file, offset, limit),
            mode: Mode::Loose,
            last_long: None,
            unit_start: offset,
            item_start: offset,
            group: None,
            records: Vec::new(),
            arguments: Vec::new(),
            records_seen: 0,
            is_spilled: false,
            pending: None,
            has_foreign_suffix: false,
            times: None,
        }
    }

    /// Collects marks of time from here on, for [`FileScanner::take_times`].
    pub(crate) fn collect_times(&mut self) {
        self.times = Some(Vec::new());
    }

    /// The marks of time passed since the last call.
    pub(crate) fn take_times(&mut self) -> Vec<TimeMark> {
        self.times.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Reads `file` from a place behind its header at which a block begins.
    pub(crate) fn framed_at(file: Arc<dyn File>, offset: u64, limit: u64, segment_id: u64) -> Self {
        let mode = Mode::Framed { segment_id, block: Block::default() };
        Self { mode, ..Self::new(file, offset, limit) }
    }

    /// Whether frames rule at the cursor, and not Redis' rules.
    pub(crate) fn is_framed(&self) -> bool {
        matches!(self.mode, Mode::Framed { .. })
    }

    /// Where the units last handed out, or not yet handed out, begin.
    pub(crate) fn unit_start(&self) -> u64 {
        self.unit_start
    }

    /// What the last valid long frame said.
    pub(crate) fn last_long(&self) -> Option<&LongFields> {
        self.last_long.as_ref()
    }

    /// File offset of the next byte to be looked at.
    pub(crate) fn offset(&self) -> u64 {
        self.window.offset()
    }

    /// The records of the last [`Found::InMemory`].
    pub(crate) fn records(&self) -> &[RecordSpan] {
        &self.records
    }

    /// The bytes that spans refer to.
    pub(crate) fn memory(&self) -> &[u8] {
        self.window.held()
    }

    /// Spans of arguments, indexed by [`RecordSpan::arguments`].
    pub(crate) fn arguments(&self) -> &[Range<usize>] {
        &self.arguments
    }

    /// Goes on; what was handed out before is forgotten.
    pub(crate) fn find(&mut self) -> Result<Found, StorageError> {
        self.forget_unit();
        match self.pending.take() {
            Some(Pending::End(end)) => return Ok(Found::End(end)),
            Some(Pending::Bytes(bytes)) => self.take_line(bytes),
            None => {}
        }
        self.begin_unit();
        if let Mode::Framed { segment_id, .. } = self.mode {
            self.window.start_checksum(segment_id);
        }
        loop {
            if self.window.held_bytes() > HELD_BYTES_MAX && !self.is_spilled {
                self.spill();
            }
            let item = self.next_item()?;
            let found = match self.mode {
                Mode::Loose => self.loose(item),
                Mode::Framed { .. } => self.framed(item),
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }

    fn forget_unit(&mut self) {
        self.records.clear();
        self.arguments.clear();
        self.records_seen = 0;
        self.is_spilled = false;
        self.group = None;
    }

    fn begin_unit(&mut self) {
        self.unit_start = self.window.offset();
        self.window.hold();
    }

    /// Stops keeping what is verified in memory; the unit will be read again.
    fn spill(&mut self) {
        self.is_spilled = true;
        self.records.clear();
        self.arguments.clear();
        self.window.release();
    }

    fn hand_out(&mut self, end: u64) -> Found {
        self.group = None;
        if self.is_spilled { Found::OnDisk(self.unit_start..end) } else { Found::InMemory }
    }

    /// Hands out the loose units before the end, then the end.
    fn end_after_units(&mut self, end: FileEnd) -> Found {
        let units_end = match &end {
            FileEnd::Clean(clean) => clean.logical_end,
            FileEnd::Damaged(damage) => damage.offset,
        };
        if let Some((_, records)) = self.group.take() {
            self.records.truncate(records);
        }
        let has_units = if self.is_spilled { units_end > self.unit_start } else { !self.records.is_empty() };
        if !has_units {
            return Found::End(end);
        }
        self.pending = Some(Pending::End(end));
        self.hand_out(units_end)
    }
}
