//! The real threads: order, wake-ups, inline writes, and what happens when a thread dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded};
use lastsave_fsync_scheduler::{
    Core, Event, LogError, LogHandle, MonotonicClock, Options, Policy, Position, RewriteBase, Scheduler,
    Switch,
};

use crate::support::{FakeLog, batch};

const LONG: Duration = Duration::from_secs(20);

struct Server {
    scheduler: Scheduler,
    handle: LogHandle,
    log: FakeLog,
    wakes: Arc<AtomicUsize>,
    woken: Receiver<()>,
    appended: u64,
}

fn start(options: Options) -> Server {
    let log = FakeLog::new();
    let core = Core::new(log.clone(), Position::ZERO, options);
    let wakes = Arc::new(AtomicUsize::new(0));
    let (bell, woken) = bounded(1);
    let waker = {
        let wakes = Arc::clone(&wakes);
        move || {
            wakes.fetch_add(1, Ordering::SeqCst);
            let _ = bell.try_send(());
        }
    };
    let (scheduler, handle) =
        Scheduler::spawn(core, Arc::new(MonotonicClock::new()), waker).expect("threads start");
    Server { scheduler, handle, log, wakes, woken, appended: 0 }
}

impl Server {
    fn append(&mut self, bytes: u64) -> Position {
        let from = self.appended;
        self.appended += bytes;
        self.handle.append(batch(from, self.appended), Position::new(self.appended));
        Position::new(self.appended)
    }

    fn try_inline(&mut self, bytes: u64) -> bool {
        let end = self.appended + bytes;
        let written = self.handle.try_write_inline(&batch(self.appended, end), Position::new(end));
        if written {
            self.appended = end;
        }
        written
    }

    fn wait_released(&self, position: Position) {
        let until = Instant::now() + LONG;
        while self.handle.want_wake(position) {
            self.woken.recv_deadline(until).expect("woken in time");
        }
    }

    fn wait_durable(&self, position: Position) {
        let until = Instant::now() + LONG;
        while self.handle.want_durable(position) {
            self.woken.recv_deadline(until).expect("woken in time");
        }
    }

    fn end(self) {
        assert_eq!(self.handle.close_and_wait(true, LONG), Ok(()));
        assert!(self.scheduler.join());
        let disk = self.log.disk();
        assert_eq!(disk.survives_power_loss(), self.appended);
    }
}

#[test]
fn always_commits_in_groups() {
    let mut server = start(Options { policy: Policy::Always, ..Options::default() });
    server.log.disk().faults.sync_sleep = Duration::from_millis(5);
    let mut last = Position::ZERO;
    for _ in 0..200 {
        last = server.append(10);
    }
    server.wait_released(last);
    let statistics = server.handle.statistics();
    assert!(statistics.counters.syncs < 50, "{} syncs for 200 batches", statistics.counters.syncs);
    assert_eq!(statistics.durable, last);
    assert_eq!((statistics.queued_bytes, statistics.counters.batches), (0, 200));
    assert_eq!(statistics.sync_latency.count(), statistics.counters.syncs);
    server.end();
}

#[test]
fn everysec_releases_during_a_sync() {
    let mut server = start(Options::default());
    // Long enough for a machine that is busy with something else.
    server.log.disk().faults.sync_sleep = Duration::from_secs(2);
    let first = server.append(10);
    server.wait_released(first);
    for _ in 0..20 {
        let end = server.append(10);
        server.wait_released(end);
    }
    assert_eq!(server.handle.durable(), Position::ZERO, "writes waited for the sync");
    server.log.disk().faults.sync_sleep = Duration::ZERO;
    let end = server.append(10);
    server.wait_durable(end);
    server.end();
}

#[test]
fn the_executor_writes_by_itself_while_the_log_thread_is_idle() {
    let mut server = start(Options { policy: Policy::No, ..Options::default() });
    let until = Instant::now() + LONG;
    let mut inline = 0;
    while inline < 100 {
        assert!(Instant::now() < until, "never idle");
        if server.try_inline(10) {
            inline += 1;
            assert_eq!(server.handle.written().get(), server.appended, "written when the call returns");
            assert_eq!(server.handle.released().get(), server.appended);
        }
    }
    assert_eq!(server.handle.statistics().counters.inline_writes, 100);
    assert!(server.handle.flush_and_wait(LONG).is_ok());
    assert_eq!(server.handle.durable().get(), server.appended);
    server.end();
}

#[test]
fn inline_writes_are_synced_in_time() {
    let mut server = start(Options { sync_interval_ms: 20, ..Options::default() });
    for _ in 0..20 {
        let until = Instant::now() + LONG;
        while !server.try_inline(10) {
            assert!(Instant::now() < until, "never idle");
            std::thread::yield_now();
        }
        server.wait_durable(Position::new(server.appended));
    }
    server.end();
}

#[test]
fn inline_and_queued_batches_keep_their_order() {
    for policy in [Policy::EverySecond, Policy::No, Policy::Always] {
        let options =
            Options { policy, sync_interval_ms: 1, unsynced_bytes_max: 5_000, ..Options::default() };
        let mut server = start(options);
        let mut random = 12345_u64;
        let mut inline = 0;
        for round in 0..5_000_u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round | 1);
            let bytes = 1 + (random >> 60);
            match (random >> 40) % 8 {
                0 => {
                    let end = server.append(bytes);
                    server.wait_released(end);
                }
                1..=3 => {
                    server.append(bytes);
                }
                _ => {
                    if server.try_inline(bytes) {
                        inline += 1;
                    } else {
                        server.append(bytes);
                    }
                }
            }
            if round % 1000 == 500 {
                let _ = server.handle.request_switch(Switch::Backup, Position::new(server.appended));
            }
        }
        assert_eq!(inline == 0, policy == Policy::Always, "{policy:?}: {inline} inline");
        // The log itself checks every byte and position it is given.
        server.end();
    }
}

#[test]
fn nobody_is_woken_who_did_not_ask() {
    let mut server = start(Options { policy: Policy::Always, ..Options::default() });
    for _ in 0..100 {
        server.append(10);
    }
    assert!(server.handle.flush_and_wait(LONG).is_ok());
    assert!(server.wakes.load(Ordering::SeqCst) <= 1, "for the event alone");
    let end = server.append(10);
    server.wait_released(end);
    assert!(server.wakes.load(Ordering::SeqCst) <= 2);
    server.end();
}

#[test]
fn saturation_ends_with_a_wake_up() {
    let mut server = start(Options { queue_bytes_max: 1000, ..Options::default() });
    server.log.disk().faults.full = true;
    for _ in 0..30 {
        server.append(100);
    }
    assert!(server.handle.is_saturated());
    assert!(server.handle.want_space());
    let until = Instant::now() + LONG;
    while server.handle.failure().is_none() {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
    server.log.disk().faults.full = false;
    server.handle.retry();
    while server.handle.want_space() {
        server.woken.recv_timeout(LONG).expect("woken in time");
    }
    assert!(!server.handle.is_saturated());
    server.end();
}

#[test]
fn a_full_disk_keeps_nobody_from_ending() {
    let mut server = start(Options::default());
    server.log.disk().faults.full = true;
    server.append(100);
    let began = Instant::now();
    assert!(matches!(server.handle.flush_and_wait(LONG), Err(LogError::Full(_))));
    assert!(matches!(server.handle.flush_and_wait(LONG), Err(LogError::Full(_))));
    assert!(matches!(server.handle.close_and_wait(true, LONG), Err(LogError::Full(_))));
    assert!(began.elapsed() < LONG / 2, "it took {:?}", began.elapsed());
    assert_eq!(server.handle.released(), Position::ZERO, "nothing is acknowledged on the way out");
    assert!(server.scheduler.join());
}

#[test]
fn an_answer_that_came_early_is_not_waited_for() {
    let Server { scheduler, handle, .. } = start(Options::default());
    let id = handle.request_switch(Switch::Backup, Position::ZERO);
    handle.close(true);
    assert!(scheduler.join());
    // Both answers are read by one who waits for another, which never comes.
    assert!(handle.flush_and_wait(LONG).is_err());
    assert_eq!(handle.close_and_wait(true, Duration::ZERO), Ok(()));
    assert!(matches!(handle.next_event(), Some(Event::SwitchDone { id: of, .. }) if of == id));
    assert_eq!(handle.next_event(), None);
}

#[test]
fn a_rewrite_through_the_handle() {
    let mut server = start(Options::default());
    server.append(100);
    let id = server.handle.request_switch(Switch::Rewrite, server.handle.appended());
    server.append(50);
    let event = server.handle.wait_event(LONG);
    let at = Position::new(100);
    assert_eq!(event, Some(Event::SwitchDone { id, kind: Switch::Rewrite, at, result: Ok(()) }));
    assert!(server.handle.durable() >= at);
    let id = server.handle.complete_rewrite(RewriteBase { name: "base".to_owned(), size_bytes: 1 });
    assert_eq!(server.handle.wait_event(LONG), Some(Event::RewriteDone { id, result: Ok(()) }));
    server.end();
}

#[test]
fn a_panic_on_the_log_thread_is_told_and_releases_nothing() {
    let mut server = start(Options { policy: Policy::Always, ..Options::default() });
    server.log.disk().faults.panic_in_write = true;
    let end = server.append(10);
    assert!(matches!(server.handle.wait_event(LONG), Some(Event::Poisoned(_))));
    let failure = server.handle.failure().expect("a failure");
    assert!(matches!(failure.error, LogError::Poisoned(_)));
    assert!(server.handle.want_wake(end), "never released");
    let next = server.append(10);
    assert!(!server.try_inline(10));
    assert!(server.handle.flush_and_wait(Duration::from_millis(50)).is_err());
    assert!(server.handle.released() < next);
    assert!(!server.scheduler.join());
}

#[test]
fn a_panic_in_a_sync_is_a_failed_sync() {
    for policy in [Policy::Always, Policy::EverySecond] {
        let mut server = start(Options { policy, ..Options::default() });
        server.log.disk().faults.panic_in_sync = true;
        let end = server.append(10);
        assert!(matches!(server.handle.wait_event(LONG), Some(Event::SegmentReplaced { .. })), "{policy:?}");
        server.wait_durable(end);
        server.end();
    }
}

#[test]
fn dropping_the_handle_ends_the_log_cleanly() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        let mut server = start(Options { policy, ..Options::default() });
        server.log.disk().faults.sync_sleep = Duration::from_millis(20);
        for _ in 0..10 {
            server.append(10);
        }
        let Server { scheduler, handle, log, .. } = server;
        drop(handle);
        assert!(scheduler.join());
        assert_eq!(log.disk().closed, Some(true));
        assert_eq!(log.disk().survives_power_loss(), 100);
    }
}

#[test]
fn a_monitor_reads_from_another_thread() {
    let mut server = start(Options { policy: Policy::Always, ..Options::default() });
    let end = server.append(10);
    server.wait_released(end);
    let monitor = server.handle.monitor();
    let durable = std::thread::spawn(move || monitor.statistics().durable).join().expect("reads");
    assert_eq!(durable, end);
    server.end();
}
