//! A log in memory that separates what survives the death of the process from what survives power loss, with scripted
//! faults, and that checks what it is asked to do.
//!
//! The stream is a fixed pattern of bytes, so content proves position: a record that is lost, doubled or out of order
//! cannot go unnoticed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use lastsave_fsync_scheduler::{
    Batch, Cause, Core, Event, Log, LogBytes, LogError, Message, Options, Position, PrepareJob, RequestId,
    RewriteBase, Switch, SyncHandle, Work, WorkDone,
};

/// The byte of the stream at `position`.
pub(crate) fn pattern(position: u64) -> u8 {
    (position.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
}

/// The batch of the stream between two positions, in two pieces where possible.
pub(crate) fn batch(from: u64, to: u64) -> Batch {
    let bytes: Vec<u8> = (from..to).map(pattern).collect();
    if bytes.len() < 2 {
        return Batch::One(Bytes::from(bytes));
    }
    let bytes = Bytes::from(bytes);
    let middle = bytes.len() / 2;
    Batch::Many(vec![bytes.slice(..middle), bytes.slice(middle..)])
}

pub(crate) fn full() -> LogError {
    LogError::Full(Cause::new("write", 28, "No space left on device"))
}

pub(crate) fn failed(operation: &str) -> LogError {
    LogError::Failed(Cause::new(operation, 5, "Input/output error"))
}

#[derive(Debug, Default)]
pub(crate) struct FakeFile {
    pub(crate) start: u64,
    pub(crate) content: Vec<u8>,
    pub(crate) durable: usize,
    /// Part of what a restart loads.
    pub(crate) listed: bool,
    /// A device error has been reported for it: it must never be written or believed again.
    pub(crate) doomed: bool,
}

impl FakeFile {
    fn end(&self) -> u64 {
        self.start + self.content.len() as u64
    }
}

/// What fails next. Counters count down with each use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) full: bool,
    pub(crate) fail_writes: u32,
    pub(crate) fail_syncs: u32,
    pub(crate) fail_marks: u32,
    pub(crate) fail_new_increments: u32,
    pub(crate) fail_adoptions: u32,
    pub(crate) fail_switches: u32,
    pub(crate) fail_completions: u32,
    pub(crate) fail_preparations: u32,
    pub(crate) panic_in_write: bool,
    pub(crate) panic_in_sync: bool,
    pub(crate) sync_sleep: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct FakeDisk {
    pub(crate) files: Vec<FakeFile>,
    pub(crate) current: Option<usize>,
    /// What the base holds: everything before this position.
    pub(crate) base: u64,
    /// Where the base that is awaited will end, and whether the present listing goes when it arrives.
    pub(crate) cut: Option<u64>,
    pub(crate) faults: Faults,
    pub(crate) writes: Vec<(usize, bool)>,
    pub(crate) syncs: usize,
    pub(crate) marks: Vec<u64>,
    pub(crate) wants_preparation: bool,
    pub(crate) preparations: usize,
    pub(crate) closed: Option<bool>,
    replacing: bool,
}

fn take(counter: &mut u32) -> bool {
    let hit = *counter > 0;
    *counter = counter.saturating_sub(1);
    hit
}

impl FakeDisk {
    /// The end of what a restart finds, following the listed files from the base on; `content` gives the bytes of a
    /// file that are there.
    fn recovered_end(&self, content: impl Fn(&FakeFile) -> usize) -> u64 {
        let mut end = self.base;
        for file in self.files.iter().filter(|file| file.listed) {
            assert_eq!(file.start, end, "a listed file continues where the one before it ends");
            let bytes = &file.content[..content(file)];
            for (offset, byte) in bytes.iter().enumerate() {
                assert_eq!(*byte, pattern(file.start + offset as u64), "wrong byte at {}", file.start);
            }
            end = file.start + bytes.len() as u64;
            if bytes.len() < file.content.len() {
                break;
            }
        }
        end
    }

    pub(crate) fn survives_kill(&self) -> u64 {
        self.recovered_end(|file| file.content.len())
    }

    pub(crate) fn survives_power_loss(&self) -> u64 {
        self.recovered_end(|file| file.durable)
    }

    fn current(&mut self) -> &mut FakeFile {
        let index = self.current.expect("a current increment");
        &mut self.files[index]
    }

    fn open(&mut self, start: u64, listed: bool) {
        self.files.push(FakeFile { start, listed, ..FakeFile::default() });
        self.current = Some(self.files.len() - 1);
    }
}

/// A scripted panic leaves nothing half done.
fn lock(disk: &Mutex<FakeDisk>) -> MutexGuard<'_, FakeDisk> {
    disk.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[derive(Clone, Debug, Default)]
pub(crate) struct FakeLog {
    disk: Arc<Mutex<FakeDisk>>,
}

impl FakeLog {
    pub(crate) fn new() -> Self {
        let log = Self::default();
        log.disk().open(0, true);
        log
    }

    pub(crate) fn off() -> Self {
        Self::default()
    }

    pub(crate) fn disk(&self) -> MutexGuard<'_, FakeDisk> {
        lock(&self.disk)
    }
}

struct FakeSync {
    disk: Arc<Mutex<FakeDisk>>,
    file: usize,
    /// Only what was there when the sync began is promised.
    length: usize,
}

impl SyncHandle for FakeSync {
    fn sync(&self) -> Result<(), LogError> {
        let sleep = lock(&self.disk).faults.sync_sleep;
        if !sleep.is_zero() {
            std::thread::sleep(sleep);
        }
        let mut disk = lock(&self.disk);
        disk.syncs += 1;
        assert!(!std::mem::take(&mut disk.faults.panic_in_sync), "scripted panic in sync");
        if take(&mut disk.faults.fail_syncs) {
            disk.files[self.file].doomed = true;
            return Err(failed("fdatasync"));
        }
        let file = &mut disk.files[self.file];
        // The kernel reports a lost page once; the next sync succeeds and proves nothing.
        if !file.doomed {
            file.durable = file.durable.max(self.length);
        }
        Ok(())
    }
}

impl Log for FakeLog {
    fn write(
        &mut self,
        batch: &[Bytes],
        end: Position,
        durable: Position,
        long: bool,
    ) -> Result<(), LogError> {
        let mut disk = self.disk();
        assert!(!disk.faults.panic_in_write, "scripted panic in write");
        assert!(durable <= end);
        let file = disk.current();
        assert!(!file.doomed, "a failed increment is written again");
        let length: usize = batch.iter().map(Bytes::len).sum();
        assert!(length > 0);
        assert_eq!(file.end() + length as u64, end.get(), "a gap or an overlap");
        if disk.faults.full {
            return Err(full());
        }
        if take(&mut disk.faults.fail_writes) {
            disk.current().doomed = true;
            return Err(failed("write"));
        }
        for part in batch {
            disk.current().content.extend_from_slice(part);
        }
        disk.writes.push((length, long));
        Ok(())
    }

    fn sync_handle(&self) -> Arc<dyn SyncHandle> {
        let disk = self.disk();
        let file = disk.current.expect("a current increment");
        let length = disk.files[file].content.len();
        Arc::new(FakeSync { disk: Arc::clone(&self.disk), file, length })
    }

    fn mark(&mut self, durable: Position) -> Result<(), LogError> {
        let mut disk = self.disk();
        assert!(!disk.current().doomed, "a failed increment is marked");
        if take(&mut disk.faults.fail_marks) {
            disk.current().doomed = true;
            return Err(failed("write"));
        }
        if disk.faults.full {
            return Err(full());
        }
        disk.marks.push(durable.get());
        Ok(())
    }

    fn prepare(&mut self) -> Option<PrepareJob> {
        let mut disk = self.disk();
        if !std::mem::take(&mut disk.wants_preparation) {
            return None;
        }
        let shared = Arc::clone(&self.disk);
        Some(Box::new(move || {
            let mut disk = lock(&shared);
            disk.preparations += 1;
            if take(&mut disk.faults.fail_preparations) {
                disk.current().doomed = true;
                return Err(failed("fdatasync"));
            }
            if disk.faults.full { Err(full()) } else { Ok(()) }
        }))
    }

    fn switch(&mut self, kind: Switch, at: Position, durable: Position) -> Result<(), LogError> {
        let mut disk = self.disk();
        let at = at.get();
        assert!(durable.get() <= at);
        if kind != Switch::Enable && kind != Switch::Rebase {
            let file = disk.current();
            assert!(!file.doomed, "a failed increment is drained");
            assert_eq!(file.end(), at, "the increment is left before everything was written");
        }
        if disk.faults.full {
            return Err(full());
        }
        if take(&mut disk.faults.fail_switches) {
            if let Some(current) = disk.current {
                disk.files[current].doomed = true;
            }
            return Err(failed("fdatasync"));
        }
        match kind {
            Switch::Rewrite | Switch::Backup | Switch::Disable => {
                let file = disk.current();
                file.durable = file.content.len();
                disk.current = None;
                if kind != Switch::Disable {
                    disk.open(at, true);
                }
                if kind == Switch::Rewrite {
                    disk.cut = Some(at);
                }
            }
            Switch::Enable | Switch::Rebase => {
                disk.replacing = false;
                disk.open(at, false);
                disk.cut = Some(at);
            }
            other => panic!("unknown switch {other:?}"),
        }
        Ok(())
    }

    fn complete_rewrite(&mut self, _base: &RewriteBase, _durable: Position) -> Result<(), LogError> {
        let mut disk = self.disk();
        if take(&mut disk.faults.fail_completions) {
            return Err(LogError::Refused(Cause::new("rename", 13, "Permission denied")));
        }
        let cut = disk.cut.take().expect("a rewrite is under way");
        let current = if disk.replacing { None } else { disk.current };
        for (index, file) in disk.files.iter_mut().enumerate() {
            file.listed = (file.listed || current == Some(index)) && file.start >= cut;
        }
        disk.base = cut;
        Ok(())
    }

    fn abort_rewrite(&mut self) -> Result<(), LogError> {
        let mut disk = self.disk();
        disk.cut = None;
        if let Some(current) = disk.current
            && !disk.files[current].listed
        {
            disk.files.truncate(current);
            disk.current = None;
        }
        Ok(())
    }

    fn start_new_increment(&mut self, durable: Position) -> Result<(), LogError> {
        let mut disk = self.disk();
        // Discard what was never listed.
        while disk.files.last().is_some_and(|file| !file.listed) {
            disk.files.pop();
        }
        disk.current = None;
        if take(&mut disk.faults.fail_new_increments) {
            return Err(failed("open"));
        }
        disk.open(durable.get(), false);
        disk.replacing = true;
        Ok(())
    }

    fn adopt_new_increment(&mut self, durable: Position, end: Position) -> Result<(), LogError> {
        let mut disk = self.disk();
        if take(&mut disk.faults.fail_adoptions) {
            return Err(failed("rename"));
        }
        assert!(std::mem::take(&mut disk.replacing), "no new increment to adopt");
        let length = {
            let file = disk.current();
            assert_eq!((file.start, file.end()), (durable.get(), end.get()));
            assert_eq!(file.durable, file.content.len(), "adopted before it was synced");
            file.listed = true;
            file.content.len()
        };
        let index = disk.current.expect("a current increment");
        assert_eq!(length, disk.files[index].content.len());
        for file in &mut disk.files[..index] {
            if file.listed && file.end() > durable.get() {
                assert!(file.start <= durable.get(), "the cut is within the last old increment");
                let keep = (durable.get() - file.start) as usize;
                assert!(keep <= file.durable, "cut behind what was known durable");
                file.content.truncate(keep);
                file.durable = keep;
            }
        }
        if disk.cut.is_some_and(|cut| !disk.files.iter().any(|file| file.listed && file.start == cut)) {
            disk.cut = None;
        }
        Ok(())
    }

    fn close(&mut self, at: Position, _durable: Position, clean: bool) -> Result<(), LogError> {
        let mut disk = self.disk();
        if clean {
            let file = disk.current();
            assert_eq!(file.end(), at.get());
            assert_eq!(file.durable, file.content.len(), "closed cleanly before it was synced");
        }
        disk.current = None;
        disk.closed = Some(clean);
        Ok(())
    }

    fn bytes(&self) -> LogBytes {
        let disk = self.disk();
        let current = disk.files.iter().map(|file| file.content.len() as u64).sum();
        LogBytes { current, base: 0 }
    }
}

/// A core, its disk, and a clock that moves when told.
pub(crate) struct Bench {
    pub(crate) core: Core<FakeLog>,
    pub(crate) log: FakeLog,
    pub(crate) now: Duration,
    pub(crate) appended: u64,
    pub(crate) work: VecDeque<Work>,
    pub(crate) events: Vec<Event>,
    next_id: u64,
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

impl Bench {
    pub(crate) fn new(options: Options) -> Self {
        let log = if options.enabled { FakeLog::new() } else { FakeLog::off() };
        let core = Core::new(log.clone(), Position::ZERO, options);
        let mut bench = Self {
            core,
            log,
            now: Duration::ZERO,
            appended: 0,
            work: VecDeque::new(),
            events: Vec::new(),
            next_id: 0,
        };
        bench.run();
        bench
    }

    /// Appends `bytes` bytes as one batch.
    pub(crate) fn append(&mut self, bytes: u64) -> u64 {
        let from = self.appended;
        self.appended += bytes;
        let end = Position::new(self.appended);
        self.send(Message::Append { batch: batch(from, self.appended), end });
        self.appended
    }

    pub(crate) fn send(&mut self, message: Message) {
        self.core.handle(message, self.now);
        self.collect();
    }

    pub(crate) fn id(&mut self) -> RequestId {
        self.next_id += 1;
        RequestId(self.next_id)
    }

    pub(crate) fn switch(&mut self, kind: Switch) -> RequestId {
        let id = self.id();
        self.send(Message::Switch { id, kind, at: Position::new(self.appended) });
        id
    }

    pub(crate) fn complete(&mut self) -> RequestId {
        let id = self.id();
        let base = RewriteBase { name: "base".to_owned(), size_bytes: 1 };
        self.send(Message::CompleteRewrite { id, base });
        id
    }

    pub(crate) fn abort(&mut self) -> RequestId {
        let id = self.id();
        self.send(Message::AbortRewrite { id });
        id
    }

    pub(crate) fn flush(&mut self) -> RequestId {
        let id = self.id();
        self.send(Message::Flush { id });
        id
    }

    pub(crate) fn run(&mut self) {
        self.core.run(self.now);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(work) = self.core.take_work() {
            self.work.push_back(work);
        }
        while let Some(event) = self.core.next_event() {
            self.events.push(event);
        }
    }

    /// Lets time pass, stepping at every deadline, without finishing background work.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let until = self.now + duration;
        let mut steps = 0;
        while let Some(deadline) = self.core.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            self.run();
            steps += 1;
            assert!(steps < 10_000, "the core spins: {:?}", self.core);
        }
        self.now = until;
        self.run();
    }

    /// Finishes the oldest background work now.
    pub(crate) fn finish_work(&mut self) -> WorkDone {
        let work = self.work.pop_front().expect("background work is under way");
        let done = work.run();
        self.core.work_done(done.clone(), self.now);
        self.run();
        done
    }

    pub(crate) fn finish_all_work(&mut self) {
        while !self.work.is_empty() {
            self.finish_work();
        }
    }

    /// Finishes work and lets time pass until nothing more happens.
    pub(crate) fn settle(&mut self) {
        for _ in 0..200 {
            self.finish_all_work();
            self.pass(ms(1000));
            if self.work.is_empty() && self.core.next_deadline().is_none() {
                return;
            }
        }
    }

    pub(crate) fn written(&self) -> u64 {
        self.core.written().get()
    }

    pub(crate) fn durable(&self) -> u64 {
        self.core.durable().get()
    }

    pub(crate) fn released(&self) -> u64 {
        self.core.released().get()
    }

    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// What is published must be true of the disk.
    pub(crate) fn check_promises(&self) {
        let disk = self.log.disk();
        assert!(disk.survives_kill() >= self.written(), "a kill would lose what is called written");
        assert!(disk.survives_power_loss() >= self.durable(), "power loss would take what is called durable");
        assert!(self.core.appended() >= self.core.written() && self.core.written() >= self.core.durable());
    }
}
