//! The same handle without threads: everything happens when told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lastsave_fsync_scheduler::{
    Clock, Core, Event, LogHandle, Options, Policy, Position, RequestId, Stepper, Switch,
};

use crate::support::{FakeLog, batch};

struct VirtualClock(AtomicU64);

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

fn stepper(policy: Policy) -> (Stepper<FakeLog>, LogHandle, FakeLog, Arc<VirtualClock>) {
    let log = FakeLog::new();
    let core = Core::new(log.clone(), Position::ZERO, Options { policy, ..Options::default() });
    let clock = Arc::new(VirtualClock(AtomicU64::new(0)));
    let (stepper, handle) = Stepper::new(core, Arc::<VirtualClock>::clone(&clock));
    (stepper, handle, log, clock)
}

#[test]
fn nothing_happens_by_itself() {
    let (mut stepper, handle, log, _clock) = stepper(Policy::Always);
    handle.append(batch(0, 10), Position::new(10));
    assert_eq!(handle.written(), Position::ZERO);
    stepper.step();
    assert_eq!((handle.written(), handle.released()), (Position::new(10), Position::ZERO));
    handle.append(batch(10, 20), Position::new(20));
    stepper.step();
    assert_eq!(stepper.work_under_way(), 1);
    assert!(stepper.finish_work());
    assert_eq!((handle.written(), handle.released()), (Position::new(20), Position::new(10)));
    assert!(stepper.finish_work());
    assert_eq!(handle.released(), Position::new(20));
    assert!(!stepper.finish_work());
    assert_eq!(log.disk().survives_power_loss(), 20);
}

#[test]
fn deadlines_follow_the_clock() {
    let (mut stepper, handle, log, clock) = stepper(Policy::EverySecond);
    stepper.step();
    assert_eq!(stepper.next_deadline(), None);
    assert!(handle.try_write_inline(&batch(0, 10), Position::new(10)));
    assert_eq!(handle.released(), Position::new(10));
    stepper.step();
    assert!(!handle.try_write_inline(&batch(10, 20), Position::new(20)), "a sync is under way");
    stepper.finish_work();
    assert!(handle.try_write_inline(&batch(10, 20), Position::new(20)));
    stepper.step();
    assert_eq!(stepper.next_deadline(), Some(Duration::from_millis(1000)));
    clock.0.store(1000, Ordering::Relaxed);
    stepper.step();
    assert_eq!(stepper.work_under_way(), 1);
    stepper.finish_work();
    assert_eq!(log.disk().survives_power_loss(), 20);
}

#[test]
fn a_big_batch_is_left_to_the_log_thread() {
    let (mut stepper, handle, _log, _clock) = stepper(Policy::EverySecond);
    stepper.step();
    let big = batch(0, 8 * 1024 + 1);
    assert!(!handle.try_write_inline(&big, Position::new(8 * 1024 + 1)));
    assert!(handle.try_write_inline(&batch(0, 8 * 1024), Position::new(8 * 1024)));
}

#[test]
fn a_flush_with_nothing_to_do_is_answered_at_once() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        let (mut stepper, handle, _log, _clock) = stepper(policy);
        let done = |id, position| Some(Event::FlushDone { id, result: Ok(Position::new(position)) });
        let id = handle.flush();
        stepper.step();
        assert_eq!((handle.next_event(), stepper.work_under_way()), (done(id, 0), 0), "{policy:?}");

        handle.append(batch(0, 10), Position::new(10));
        let id = handle.flush();
        stepper.step();
        assert_eq!(handle.next_event(), None, "{policy:?}");
        while stepper.finish_work() {}
        assert_eq!(handle.next_event(), done(id, 10), "{policy:?}");
        assert_eq!((handle.written(), handle.durable()), (Position::new(10), Position::new(10)));

        let id = handle.flush();
        stepper.step();
        assert_eq!((handle.next_event(), stepper.work_under_way()), (done(id, 10), 0), "{policy:?}");
    }
}

#[test]
fn a_log_thread_in_a_sync_of_its_own_has_no_deadline() {
    let (mut stepper, handle, log, clock) = stepper(Policy::Always);
    log.disk().wants_preparation = true;
    log.disk().faults.full = true;
    stepper.step();
    while stepper.finish_work() {}
    log.disk().faults.full = false;
    let retry = stepper.next_deadline().expect("space is wanted again");
    handle.append(batch(0, 10), Position::new(10));
    stepper.step();
    clock.0.store(retry.as_millis() as u64 + 1, Ordering::Relaxed);
    assert_eq!((stepper.work_under_way(), stepper.next_deadline()), (1, None));
    assert!(stepper.finish_work());
    assert_eq!(handle.durable(), Position::new(10));
}

#[test]
fn the_end_is_stepped_too() {
    let (mut stepper, handle, log, _clock) = stepper(Policy::No);
    handle.append(batch(0, 10), Position::new(10));
    let id: RequestId = handle.request_switch(Switch::Backup, Position::new(10));
    stepper.step();
    let at = Position::new(10);
    assert_eq!(handle.next_event(), Some(Event::SwitchDone { id, kind: Switch::Backup, at, result: Ok(()) }));
    handle.append(batch(10, 30), Position::new(30));
    handle.close(true);
    stepper.step();
    assert!(!stepper.has_ended(), "a sync comes first");
    while stepper.finish_work() {}
    assert!(stepper.has_ended());
    assert_eq!(handle.next_event(), Some(Event::Closed { result: Ok(()) }));
    assert_eq!(log.disk().survives_power_loss(), 30);
}
