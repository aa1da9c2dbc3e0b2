//! A full disk waits, a failed increment is replaced from memory, and only what cannot be replaced needs a snapshot.

use lastsave_fsync_scheduler::{Event, LogError, Message, Options, Policy, Position, Switch};

use crate::support::{Bench, failed, ms};

fn bench(policy: Policy) -> Bench {
    Bench::new(Options { policy, ..Options::default() })
}

fn failing(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::WriteFailing(_))).count()
}

#[test]
fn a_full_disk_keeps_batches_and_clears_by_itself() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        let mut bench = bench(policy);
        bench.append(10);
        bench.settle();
        let durable = bench.durable();
        bench.log.disk().faults.full = true;
        bench.append(10);
        bench.append(10);
        assert_eq!(bench.core.failure().expect("a failure").text(), "No space left on device");
        assert_eq!((bench.written(), bench.released()), (10, 10), "{policy:?}");
        bench.pass(ms(10_000));
        assert_eq!(failing(&bench.take_events()), 1, "said once");
        assert_eq!(bench.durable(), durable);
        bench.log.disk().faults.full = false;
        bench.pass(ms(1000));
        bench.finish_all_work();
        bench.finish_all_work();
        assert_eq!(bench.take_events(), vec![Event::WriteRecovered]);
        assert!(bench.core.failure().is_none());
        bench.settle();
        assert_eq!((bench.released(), bench.durable()), (30, 30));
        bench.check_promises();
    }
}

#[test]
fn a_full_disk_is_tried_again_on_demand() {
    let mut bench = bench(Policy::EverySecond);
    bench.log.disk().faults.full = true;
    bench.append(10);
    bench.log.disk().faults.full = false;
    bench.append(10);
    assert_eq!(bench.written(), 0, "not before its time");
    bench.send(Message::Retry);
    assert_eq!(bench.written(), 20);
}

#[test]
fn a_failed_sync_is_never_believed_again() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        let mut bench = bench(policy);
        bench.append(10);
        bench.settle();
        bench.append(10);
        bench.append(10);
        bench.flush();
        bench.take_events();
        bench.log.disk().faults.fail_syncs = 1;
        bench.finish_work();
        let events = bench.take_events();
        let relogged_bytes = if policy == Policy::Always { 10 } else { 20 };
        let cause = failed("fdatasync");
        assert!(
            events.contains(&Event::SegmentReplaced { cut_at: Position::new(10), relogged_bytes, cause }),
            "{policy:?}: {events:?}"
        );
        bench.settle();
        assert_eq!((bench.durable(), bench.released()), (30, 30));
        assert!(bench.core.failure().is_none());
        assert_eq!(bench.log.disk().files.len(), 2);
        let counters = bench.core.statistics(bench.now).counters;
        assert_eq!((counters.failed_syncs, counters.replaced_increments), (1, 1));
        assert_eq!(counters.last_sync_error, Some(failed("fdatasync")), "remembered");
        bench.check_promises();
    }
}

#[test]
fn a_failed_write_waits_for_the_sync_under_way_and_does_not_trust_it() {
    let mut bench = bench(Policy::EverySecond);
    bench.append(10);
    assert_eq!(bench.work.len(), 1);
    bench.log.disk().faults.fail_writes = 1;
    bench.append(10);
    assert!(bench.core.failure().is_some_and(|failure| failure.lost));
    assert_eq!(bench.log.disk().files.len(), 1, "the sync still runs on the old increment");
    bench.finish_work();
    assert_eq!(
        bench.log.disk().files[1].start,
        0,
        "logged again from the last position known durable before"
    );
    assert_eq!((bench.written(), bench.released()), (20, 20));
    assert!(bench.core.failure().is_none());
    bench.settle();
    assert_eq!(bench.durable(), 20);
    bench.check_promises();
}

#[test]
fn a_failed_mark_or_preparation_latches_too() {
    let mut bench = bench(Policy::EverySecond);
    bench.append(10);
    bench.finish_work();
    bench.log.disk().faults.fail_marks = 1;
    bench.settle();
    assert_eq!(bench.log.disk().files.len(), 2);

    bench.log.disk().wants_preparation = true;
    bench.log.disk().faults.fail_preparations = 1;
    bench.append(10);
    bench.settle();
    assert_eq!(bench.log.disk().files.len(), 3);
    assert_eq!(bench.durable(), 20);
    bench.check_promises();
}

/// A bench whose increment is lost and cannot be replaced; 10 bytes durable, 20 more retained.
pub(crate) fn lost(policy: Policy) -> Bench {
    lost_with(Options { policy, ..Options::default() })
}

pub(crate) fn lost_with(options: Options) -> Bench {
    let mut bench = Bench::new(options);
    bench.append(10);
    bench.settle();
    bench.append(10);
    bench.log.disk().faults.fail_syncs = 1;
    bench.log.disk().faults.fail_new_increments = u32::MAX;
    bench.flush();
    bench.finish_work();
    bench.append(10);
    let events = bench.take_events();
    assert!(events.iter().any(|event| matches!(event, Event::NeedsRebase(_))), "{events:?}");
    assert!(bench.core.failure().is_some_and(|failure| failure.lost));
    assert_eq!(bench.durable(), 10);
    bench
}

#[test]
fn what_cannot_be_replaced_is_tried_again_with_growing_intervals() {
    let mut bench = lost(Policy::Always);
    let before = bench.log.disk().faults.fail_new_increments;
    bench.pass(ms(100_000));
    let attempts = before - bench.log.disk().faults.fail_new_increments;
    assert!((5..=8).contains(&attempts), "{attempts} attempts in 100 s");
    assert_eq!(bench.released(), 10);
    assert!(bench.take_events().is_empty(), "said once");
    bench.log.disk().faults.fail_new_increments = 0;
    bench.settle();
    assert_eq!((bench.released(), bench.durable()), (30, 30));
    let events = bench.take_events();
    assert!(matches!(events[..], [Event::SegmentReplaced { .. }, Event::WriteRecovered]), "{events:?}");
    bench.check_promises();
}

#[test]
fn a_rebase_replaces_a_lost_increment_once_its_base_has_arrived() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        let mut bench = lost(policy);
        let (released, durable) = (bench.released(), bench.durable());
        let id = bench.switch(Switch::Rebase);
        let at = Position::new(30);
        let done = Event::SwitchDone { id, kind: Switch::Rebase, at, result: Ok(()) };
        assert_eq!(bench.take_events(), vec![done]);
        bench.append(10);
        bench.settle();
        assert_eq!(
            (bench.released(), bench.durable()),
            (released, durable),
            "nothing counts without the base"
        );
        assert!(bench.core.failure().is_some(), "and writes stay refused");
        bench.check_promises();
        let id = bench.complete();
        let events = bench.take_events();
        assert_eq!(events, vec![Event::WriteRecovered, Event::RewriteDone { id, result: Ok(()) }]);
        assert_eq!((bench.released(), bench.durable()), (40, 40));
        assert!(bench.core.failure().is_none());
        bench.check_promises();
        bench.append(10);
        bench.settle();
        assert_eq!(bench.durable(), 50);
        bench.check_promises();
    }
}

#[test]
fn a_rebase_that_fails_leaves_everything_to_be_logged_again() {
    // The base does not come.
    let mut bench = lost(Policy::EverySecond);
    bench.switch(Switch::Rebase);
    bench.append(10);
    bench.abort();
    assert!(bench.core.failure().is_some());
    bench.log.disk().faults.fail_new_increments = 0;
    bench.settle();
    assert_eq!((bench.released(), bench.durable()), (40, 40));
    bench.check_promises();

    // The new increment fails while the base is awaited.
    let mut bench = lost(Policy::EverySecond);
    bench.switch(Switch::Rebase);
    bench.log.disk().faults.fail_syncs = 1;
    bench.append(10);
    bench.pass(ms(1000));
    bench.finish_all_work();
    bench.append(10);
    assert_eq!((bench.durable(), bench.log.disk().survives_power_loss()), (10, 10));
    bench.take_events();
    let id = bench.complete();
    assert!(
        matches!(bench.take_events()[..], [Event::RewriteDone { id: of, result: Err(LogError::Misuse(_)) }] if of == id),
        "this base belongs to an increment that is gone"
    );
    bench.log.disk().faults.fail_new_increments = 0;
    bench.settle();
    assert_eq!((bench.released(), bench.durable()), (50, 50));
    bench.check_promises();
}

#[test]
fn a_rebase_frees_a_log_from_a_disk_without_room_for_it() {
    let mut bench = bench(Policy::Always);
    bench.append(10);
    bench.settle();
    bench.log.disk().faults.full = true;
    bench.append(10);
    bench.append(10);
    let refused = bench.switch(Switch::Rebase);
    assert!(
        bench
            .take_events()
            .iter()
            .any(|event| matches!(event, Event::SwitchDone { id, result: Err(_), .. } if *id == refused))
    );
    bench.log.disk().faults.full = false;
    // Carried out before the next attempt to write could be.
    let id = bench.id();
    bench.core.accept(Message::Switch { id, kind: Switch::Rebase, at: Position::new(30) }, bench.now);
    bench.run();
    bench.settle();
    bench.append(10);
    bench.settle();
    if bench.durable() < 40 {
        bench.complete();
    }
    assert_eq!((bench.released(), bench.durable()), (40, 40));
    bench.check_promises();
}

#[test]
fn a_lost_log_can_be_turned_off() {
    let mut bench = lost(Policy::Always);
    let id = bench.switch(Switch::Disable);
    let at = Position::new(30);
    assert_eq!(
        bench.take_events(),
        vec![Event::WriteRecovered, Event::SwitchDone { id, kind: Switch::Disable, at, result: Ok(()) }]
    );
    assert!(bench.core.failure().is_none());
    assert_eq!((bench.released(), bench.durable()), (30, 10), "nothing waits for a log that is off");
}

#[test]
fn enabling_that_fails_leaves_the_log_off() {
    let mut bench = Bench::new(Options { enabled: false, ..Options::default() });
    bench.append(10);
    assert_eq!(bench.released(), 10);
    bench.switch(Switch::Enable);
    bench.append(10);
    bench.log.disk().faults.fail_syncs = 1;
    bench.take_events();
    bench.settle();
    assert_eq!(bench.take_events(), vec![Event::EnableFailed(failed("fdatasync"))]);
    bench.append(10);
    assert_eq!((bench.released(), bench.durable()), (30, 0));
    assert!(bench.core.failure().is_none());
}
