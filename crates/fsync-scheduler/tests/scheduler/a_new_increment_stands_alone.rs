//! An increment that replaces another begins with what its batches rely on, and switching off loses nothing.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use lastsave_fsync_scheduler::{
    Batch, Core, Event, Log, LogBytes, LogError, Message, Options, Policy, Position, RequestId, RewriteBase,
    Switch, SyncHandle, Work,
};

use crate::support::failed;

/// Files in memory, of which the last one is written.
#[derive(Default)]
struct Tape {
    files: Vec<String>,
    failing_syncs: u32,
    failing_marks: u32,
    failing_switches: u32,
}

#[derive(Clone)]
struct TapeLog(Arc<Mutex<Tape>>);

impl TapeLog {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Tape { files: vec![String::new()], ..Tape::default() })))
    }

    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.0.lock().expect("no holder panics")
    }
}

fn outcome(failures: &mut u32) -> Result<(), LogError> {
    if *failures == 0 {
        return Ok(());
    }
    *failures -= 1;
    Err(failed("fdatasync"))
}

impl SyncHandle for TapeLog {
    fn sync(&self) -> Result<(), LogError> {
        outcome(&mut self.tape().failing_syncs)
    }
}

impl Log for TapeLog {
    fn write(&mut self, batch: &[Bytes], _: Position, _: Position, _: bool) -> Result<(), LogError> {
        let mut tape = self.tape();
        let file = tape.files.last_mut().expect("a file");
        batch.iter().for_each(|part| file.push_str(std::str::from_utf8(part).expect("text")));
        Ok(())
    }
    fn sync_handle(&self) -> Arc<dyn SyncHandle> {
        Arc::new(self.clone())
    }
    fn mark(&mut self, _: Position) -> Result<(), LogError> {
        outcome(&mut self.tape().failing_marks)
    }
    fn switch(&mut self, _: Switch, _: Position, _: Position) -> Result<(), LogError> {
        outcome(&mut self.tape().failing_switches)
    }
    fn complete_rewrite(&mut self, _: &RewriteBase, _: Position) -> Result<(), LogError> {
        Ok(())
    }
    fn abort_rewrite(&mut self) -> Result<(), LogError> {
        Ok(())
    }
    fn start_new_increment(&mut self, _: Position) -> Result<(), LogError> {
        self.tape().files.push(String::new());
        Ok(())
    }
    fn adopt_new_increment(&mut self, _: Position, _: Position) -> Result<(), LogError> {
        Ok(())
    }
    fn close(&mut self, _: Position, _: Position, _: bool) -> Result<(), LogError> {
        Ok(())
    }
    fn bytes(&self) -> LogBytes {
        LogBytes::default()
    }
}

struct Bench {
    core: Core<TapeLog>,
    log: TapeLog,
    now: Duration,
    end: u64,
}

impl Bench {
    fn new() -> Self {
        let log = TapeLog::new();
        let options = Options { policy: Policy::EverySecond, ..Options::default() };
        let core = Core::new(log.clone(), Position::ZERO, options);
        Self { core, log, now: Duration::from_secs(1), end: 0 }
    }

    fn append(&mut self, batch: Batch) {
        self.end += batch.len();
        let end = Position::new(self.end);
        self.core.handle(Message::Append { batch, end }, self.now);
    }

    /// Lets time pass and syncs run.
    fn pass(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.core.run(self.now);
        while let Some(work) = self.core.take_work() {
            self.core.work_done(Work::run(work), self.now);
            self.core.run(self.now);
        }
    }

    fn files(&self) -> Vec<String> {
        self.log.tape().files.clone()
    }
}

fn continued(preface: &'static str, text: &'static str) -> Batch {
    Batch::Continued { preface: Bytes::from_static(preface.as_bytes()), parts: vec![text.into()] }
}

#[test]
fn what_is_logged_again_begins_with_its_preface() {
    let mut bench = Bench::new();
    bench.append(Batch::One("a".into()));
    bench.pass(1500);
    bench.append(continued("<1>", "b"));
    bench.append(continued("<2>", "c"));
    assert_eq!(bench.files(), ["abc"], "in the middle of a file nothing is added");
    bench.log.tape().failing_syncs = 1;
    bench.pass(1500);
    assert_eq!(bench.files(), ["abc", "<1>bc"]);
    bench.append(continued("<3>", "d"));
    assert_eq!(bench.files(), ["abc", "<1>bcd"]);
    assert_eq!(bench.core.written().get(), 4, "prefaces count for no position");
}

#[test]
fn so_does_the_first_batch_of_an_increment_that_begins_empty() {
    let mut bench = Bench::new();
    bench.append(Batch::One("a".into()));
    bench.pass(10);
    bench.log.tape().failing_marks = 1;
    bench.pass(500);
    bench.pass(1);
    assert_eq!(bench.files(), ["a", ""], "nothing was unsynced");
    bench.append(continued("<1>", "b"));
    bench.append(continued("<2>", "c"));
    assert_eq!(bench.files(), ["a", "<1>bc"]);
}

#[test]
fn a_log_that_fails_while_it_is_switched_off_is_logged_again_first() {
    let mut bench = Bench::new();
    bench.append(Batch::One("a".into()));
    bench.pass(10);
    bench.append(continued("<1>", "b"));
    bench.log.tape().failing_switches = 1;
    let message = Message::Switch { id: RequestId(9), kind: Switch::Disable, at: Position::new(bench.end) };
    bench.core.handle(message, bench.now);
    bench.pass(1500);
    assert_eq!(bench.files(), ["ab", "<1>b"]);
    let mut results = Vec::new();
    while let Some(event) = bench.core.next_event() {
        if let Event::SwitchDone { id, result, .. } = event {
            results.push((id, result));
        }
    }
    assert_eq!(results, [(RequestId(9), Ok(()))], "answered once, when it is done");
}
