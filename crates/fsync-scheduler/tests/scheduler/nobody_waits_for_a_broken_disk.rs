//! A disk that is full or failed keeps nobody waiting who wants to end: flushes and closes are answered after one
//! attempt, with what is true.

use lastsave_fsync_scheduler::{Event, Message, Options, Policy, Position, Switch};

use crate::failures_lose_nothing::{lost, lost_with};
use crate::support::{Bench, batch, failed, full};

fn bench(policy: Policy) -> Bench {
    Bench::new(Options { policy, ..Options::default() })
}

#[test]
fn requests_behind_stuck_batches_are_answered() {
    let mut bench = bench(Policy::EverySecond);
    bench.log.disk().faults.full = true;
    bench.append(10);
    bench.take_events();
    let flush = bench.flush();
    let rewrite = bench.switch(Switch::Rewrite);
    let at = Position::new(10);
    assert_eq!(
        bench.take_events(),
        vec![
            Event::FlushDone { id: flush, result: Err(full()) },
            Event::SwitchDone { id: rewrite, kind: Switch::Rewrite, at, result: Err(full()) },
        ]
    );
    bench.send(Message::SetPolicy(Policy::Always));
    assert_eq!(bench.core.policy(), Policy::Always);
    bench.send(Message::Close { clean: true });
    assert_eq!(bench.take_events(), vec![Event::Closed { result: Err(full()) }]);
    assert_eq!(bench.log.disk().closed, Some(false));
}

#[test]
fn a_flush_on_a_full_disk_is_refused_after_one_attempt() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        let mut bench = bench(policy);
        bench.append(10);
        bench.settle();
        bench.log.disk().faults.full = true;
        // Nobody has noticed yet.
        let end = Position::new(20);
        bench.core.accept(Message::Append { batch: batch(10, 20), end }, bench.now);
        bench.appended = 20;
        let attempts = |bench: &Bench| bench.core.statistics(bench.now).counters.failed_writes;
        let first = bench.flush();
        let refused = |id| Event::FlushDone { id, result: Err(full()) };
        assert_eq!(bench.take_events().last(), Some(&refused(first)), "{policy:?}");
        assert_eq!(attempts(&bench), 1);
        // It is known: still one attempt, as the disk may have room again, and no time passes.
        for round in 2..5 {
            let id = bench.flush();
            assert_eq!(bench.take_events(), vec![refused(id)], "{policy:?}");
            assert_eq!(attempts(&bench), round);
        }
        bench.log.disk().faults.full = false;
        let id = bench.flush();
        bench.finish_all_work();
        let done = Event::FlushDone { id, result: Ok(end) };
        assert_eq!(bench.take_events(), vec![Event::WriteRecovered, done], "{policy:?}");
        bench.check_promises();
    }
}

#[test]
fn a_flush_of_what_is_written_needs_no_room() {
    let mut bench = bench(Policy::No);
    bench.append(10);
    bench.log.disk().faults.full = true;
    let id = bench.flush();
    bench.finish_all_work();
    assert_eq!(bench.take_events(), vec![Event::FlushDone { id, result: Ok(Position::new(10)) }]);
}

#[test]
fn a_stuck_log_that_is_closed_releases_nothing_more() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        for clean in [true, false] {
            let mut full_disk = bench(policy);
            full_disk.append(10);
            full_disk.settle();
            full_disk.log.disk().faults.full = true;
            full_disk.append(10);
            for mut bench in [full_disk, lost(policy)] {
                let before = (bench.written(), bench.durable(), bench.released());
                assert!(before.2 < bench.appended);
                bench.take_events();
                bench.send(Message::Close { clean });
                bench.settle();
                assert!(matches!(bench.take_events()[..], [Event::Closed { result: Err(_) }]));
                let after = (bench.written(), bench.durable(), bench.released());
                assert_eq!(before, after, "{policy:?}: what was never written is not acknowledged");
            }
        }
    }
}

#[test]
fn a_flush_of_a_lost_log_is_refused_after_one_attempt() {
    let mut bench = lost(Policy::EverySecond);
    let before = bench.log.disk().faults.fail_new_increments;
    let id = bench.flush();
    assert_eq!(bench.take_events(), vec![Event::FlushDone { id, result: Err(failed("open")) }]);
    assert_eq!(before - bench.log.disk().faults.fail_new_increments, 1);
    bench.log.disk().faults.fail_new_increments = 0;
    let id = bench.flush();
    bench.finish_all_work();
    let done = Event::FlushDone { id, result: Ok(Position::new(30)) };
    assert!(bench.take_events().contains(&done));
    bench.check_promises();
}

#[test]
fn a_flush_of_a_lost_log_with_nothing_in_it_to_lose_succeeds() {
    let mut bench = bench(Policy::EverySecond);
    bench.append(10);
    bench.settle();
    bench.log.disk().faults.fail_new_increments = u32::MAX;
    bench.log.disk().faults.fail_switches = 1;
    bench.switch(Switch::Backup);
    assert!(bench.core.failure().is_some_and(|failure| failure.lost));
    bench.take_events();
    let done = |id| Event::FlushDone { id, result: Ok(Position::new(10)) };
    let id = bench.flush();
    assert_eq!(bench.take_events(), vec![done(id)]);
    bench.switch(Switch::Rebase);
    bench.take_events();
    let id = bench.flush();
    assert_eq!(bench.take_events(), vec![done(id)]);
    bench.check_promises();
}

#[test]
fn nobody_waits_for_the_base_of_a_rebase() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        let options =
            Options { policy, unsynced_bytes_max: 50, retained_bytes_max: 100, ..Options::default() };
        let mut bench = lost_with(options);
        bench.switch(Switch::Rebase);
        let error = bench.core.failure().expect("a failure").error.clone();
        bench.take_events();
        let id = bench.flush();
        assert_eq!(bench.take_events(), vec![Event::FlushDone { id, result: Err(error.clone()) }]);

        // Nor behind batches for which there is no memory before it arrives, whether or not there is room on disk.
        for _ in 0..40 {
            bench.append(10);
            bench.finish_all_work();
        }
        assert!(bench.core.queued_bytes() > 0);
        for full in [false, true] {
            bench.log.disk().faults.full = full;
            let flush = bench.flush();
            let rewrite = bench.switch(Switch::Rewrite);
            let at = Position::new(bench.appended);
            assert_eq!(
                bench.take_events(),
                vec![
                    Event::FlushDone { id: flush, result: Err(error.clone()) },
                    Event::SwitchDone { id: rewrite, kind: Switch::Rewrite, at, result: Err(error.clone()) },
                ],
                "{policy:?}"
            );
        }
        bench.send(Message::Close { clean: true });
        assert_eq!(bench.take_events(), vec![Event::Closed { result: Err(error) }], "{policy:?}");
        assert_eq!(bench.durable(), 10);
        bench.check_promises();
    }
}

#[test]
fn a_flush_that_a_rebase_overtakes_is_refused() {
    let mut bench = bench(Policy::No);
    bench.log.disk().wants_preparation = true;
    bench.append(10);
    assert_eq!(bench.work.len(), 1, "a preparation, for which the re-base has to wait");
    bench.log.disk().faults.full = true;
    let (flush, rebase, at) = (bench.id(), bench.id(), Position::new(20));
    bench.appended = 20;
    for message in [
        Message::Flush { id: flush },
        Message::Append { batch: batch(10, 20), end: at },
        Message::Switch { id: rebase, kind: Switch::Rebase, at },
    ] {
        bench.core.accept(message, bench.now);
    }
    bench.run();
    bench.take_events();
    bench.log.disk().faults.full = false;
    bench.finish_work();
    let events = bench.take_events();
    assert!(
        events.contains(&Event::SwitchDone { id: rebase, kind: Switch::Rebase, at, result: Ok(()) }),
        "{events:?}"
    );
    assert!(events.contains(&Event::FlushDone { id: flush, result: Err(full()) }), "{events:?}");
    bench.complete();
    bench.settle();
    assert_eq!((bench.released(), bench.durable()), (20, 20));
    bench.check_promises();
}

#[test]
fn closing_before_the_base_of_a_rebase_has_arrived_is_no_clean_close() {
    let mut bench = lost(Policy::Always);
    bench.switch(Switch::Rebase);
    bench.settle();
    bench.take_events();
    bench.send(Message::Close { clean: true });
    bench.settle();
    let events = bench.take_events();
    assert!(matches!(events[..], [Event::Closed { result: Err(_) }]), "{events:?}");
    assert_eq!((bench.released(), bench.log.disk().survives_power_loss()), (10, 10));
}
