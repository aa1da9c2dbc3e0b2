//! A switch happens at one position: what came before is in the old increment and durable, what came after is in the
//! new one.

use lastsave_fsync_scheduler::{Event, LogError, Message, Options, Policy, Position, RequestId, Switch};

use crate::support::{Bench, batch, failed, ms};

fn done(id: RequestId, kind: Switch, at: u64) -> Event {
    Event::SwitchDone { id, kind, at: Position::new(at), result: Ok(()) }
}

#[test]
fn batches_behind_the_marker_wait_for_the_new_increment() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        let mut bench = Bench::new(Options { policy, ..Options::default() });
        bench.append(10);
        bench.pass(ms(30_000));
        assert_eq!(bench.work.len(), 1, "{policy:?}: a sync runs");
        let id = bench.switch(Switch::Rewrite);
        bench.append(10);
        bench.append(10);
        assert!(
            !bench.events.contains(&done(id, Switch::Rewrite, 10)),
            "not while another thread works on the file"
        );
        assert_eq!(bench.written(), 10);
        bench.finish_work();
        assert!(bench.events.contains(&done(id, Switch::Rewrite, 10)));
        {
            let disk = bench.log.disk();
            assert_eq!((disk.files[0].content.len(), disk.files[0].durable), (10, 10));
            assert_eq!((disk.files[1].start, disk.files[1].content.len()), (10, 20));
        }
        bench.settle();
        assert_eq!((bench.released(), bench.durable()), (30, 30));
        bench.check_promises();
        let id = bench.complete();
        assert!(bench.events.contains(&Event::RewriteDone { id, result: Ok(()) }));
        assert_eq!(bench.log.disk().base, 10);
        bench.check_promises();
    }
}

#[test]
fn a_switch_counts_as_a_sync() {
    let mut bench = Bench::new(Options { policy: Policy::No, ..Options::default() });
    bench.append(10);
    let flush = bench.flush();
    bench.finish_work();
    bench.append(10);
    let id = bench.switch(Switch::Backup);
    assert_eq!(bench.durable(), 20);
    let flushed = Event::FlushDone { id: flush, result: Ok(Position::new(10)) };
    assert_eq!(bench.take_events(), vec![flushed, done(id, Switch::Backup, 20)]);
}

#[test]
fn a_switch_that_is_refused_changes_nothing() {
    let mut bench = Bench::new(Options::default());
    bench.append(10);
    bench.finish_all_work();
    bench.log.disk().faults.full = true;
    bench.switch(Switch::Rewrite);
    assert!(matches!(bench.take_events()[..], [Event::SwitchDone { result: Err(LogError::Full(_)), .. }]));
    assert!(bench.core.failure().is_none());
    bench.log.disk().faults.full = false;
    bench.append(10);
    bench.settle();
    assert_eq!(bench.durable(), 20);
    assert_eq!(bench.log.disk().files.len(), 1);
    bench.complete();
    assert!(matches!(bench.take_events()[..], [Event::RewriteDone { result: Err(LogError::Misuse(_)), .. }]));
}

#[test]
fn a_switch_that_fails_replaces_the_increment() {
    let mut bench = Bench::new(Options::default());
    bench.append(10);
    bench.finish_all_work();
    bench.append(10);
    bench.log.disk().faults.fail_switches = 1;
    let id = bench.switch(Switch::Rewrite);
    let at = Position::new(20);
    let events = bench.take_events();
    assert_eq!(
        events,
        vec![
            Event::SwitchDone { id, kind: Switch::Rewrite, at, result: Err(failed("fdatasync")) },
            Event::SegmentReplaced {
                cut_at: Position::new(10),
                relogged_bytes: 10,
                cause: failed("fdatasync")
            },
        ]
    );
    assert_eq!((bench.durable(), bench.released()), (20, 20));
    bench.check_promises();
}

#[test]
fn an_increment_that_fails_during_a_rewrite_does_not_spoil_it() {
    let mut bench = Bench::new(Options { policy: Policy::Always, ..Options::default() });
    bench.append(10);
    bench.settle();
    bench.switch(Switch::Rewrite);
    bench.append(10);
    bench.log.disk().faults.fail_syncs = 1;
    bench.append(10);
    bench.settle();
    assert_eq!(bench.durable(), 30);
    let id = bench.complete();
    assert!(bench.events.contains(&Event::RewriteDone { id, result: Ok(()) }));
    bench.append(10);
    bench.settle();
    assert_eq!((bench.durable(), bench.released()), (40, 40));
    bench.check_promises();
}

#[test]
fn a_completion_that_fails_may_be_repeated_or_given_up() {
    let mut bench = Bench::new(Options::default());
    bench.append(10);
    bench.settle();
    bench.switch(Switch::Rewrite);
    bench.log.disk().faults.fail_completions = 1;
    bench.take_events();
    bench.complete();
    assert!(matches!(
        bench.take_events()[..],
        [Event::RewriteDone { result: Err(LogError::Refused(_)), .. }]
    ));
    bench.complete();
    assert!(matches!(bench.take_events()[..], [Event::RewriteDone { result: Ok(()), .. }]));
    bench.switch(Switch::Rewrite);
    bench.abort();
    let events = bench.take_events();
    assert!(matches!(
        events[..],
        [Event::SwitchDone { result: Ok(()), .. }, Event::RewriteDone { result: Ok(()), .. }]
    ));
    bench.append(10);
    bench.settle();
    assert_eq!(bench.durable(), 20);
    bench.check_promises();
}

#[test]
fn one_rewrite_at_a_time_and_only_at_the_end_of_the_stream() {
    let mut bench = Bench::new(Options::default());
    bench.append(10);
    bench.settle();
    bench.switch(Switch::Rewrite);
    bench.take_events();
    bench.switch(Switch::Rewrite);
    assert!(matches!(bench.take_events()[..], [Event::SwitchDone { result: Err(LogError::Misuse(_)), .. }]));
    bench.switch(Switch::Enable);
    assert!(matches!(bench.take_events()[..], [Event::SwitchDone { result: Err(LogError::Misuse(_)), .. }]));
    let id = bench.id();
    bench.send(Message::Switch { id, kind: Switch::Backup, at: Position::new(5) });
    assert!(matches!(bench.take_events()[..], [Event::SwitchDone { result: Err(LogError::Misuse(_)), .. }]));
}

#[test]
fn the_log_can_be_turned_off_and_on() {
    let mut bench = Bench::new(Options { policy: Policy::Always, ..Options::default() });
    bench.append(10);
    bench.settle();
    bench.take_events();
    let id = bench.switch(Switch::Disable);
    assert_eq!(bench.take_events(), vec![done(id, Switch::Disable, 10)]);
    bench.append(10);
    assert_eq!(bench.released(), 20, "nothing waits for a log that is off");
    assert_eq!(bench.core.next_deadline(), None);

    // Positions that nobody handed over while it was off.
    bench.appended += 1000;
    let id = bench.switch(Switch::Enable);
    assert_eq!(bench.take_events(), vec![done(id, Switch::Enable, 1020)]);
    bench.append(10);
    assert_eq!(bench.released(), 1030, "replies do not wait for the first base");
    bench.settle();
    assert_eq!(bench.durable(), 10, "but nothing is durable before it");
    bench.complete();
    assert_eq!(bench.durable(), 1030);
    bench.append(10);
    assert_eq!(bench.released(), 1030, "from now on the policy holds");
    bench.settle();
    assert_eq!((bench.released(), bench.durable()), (1040, 1040));
    bench.check_promises();
}

#[test]
fn enabling_can_be_given_up() {
    let mut bench = Bench::new(Options { enabled: false, ..Options::default() });
    bench.append(10);
    bench.switch(Switch::Enable);
    bench.append(10);
    bench.abort();
    bench.finish_all_work();
    bench.append(10);
    assert_eq!((bench.released(), bench.durable()), (30, 0));
    let flush = bench.flush();
    assert!(bench.events.contains(&Event::FlushDone { id: flush, result: Ok(Position::new(30)) }));
    bench.send(Message::Close { clean: true });
    assert!(bench.events.contains(&Event::Closed { result: Ok(()) }));
}

#[test]
#[should_panic(expected = "batches advance")]
fn a_batch_that_does_not_advance_is_a_mistake() {
    let mut bench = Bench::new(Options::default());
    bench.append(10);
    bench.send(Message::Append { batch: batch(0, 5), end: Position::new(5) });
}
