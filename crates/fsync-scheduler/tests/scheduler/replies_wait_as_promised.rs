//! Each policy releases replies when, and only when, what it promises holds.

use crate::support::{Bench, ms};
use lastsave_fsync_scheduler::{Event, Message, Options, Overload, Policy};

fn bench(policy: Policy) -> Bench {
    Bench::new(Options { policy, ..Options::default() })
}

#[test]
fn always_releases_what_is_durable_and_groups_what_arrives_meanwhile() {
    let mut bench = bench(Policy::Always);
    let first = bench.append(10);
    assert_eq!((bench.written(), bench.durable(), bench.released()), (first, 0, 0));
    for _ in 0..50 {
        bench.append(10);
    }
    assert_eq!(bench.log.disk().writes.len(), 1, "nothing is written while the sync runs");
    bench.finish_work();
    assert_eq!(bench.released(), first);
    assert_eq!(bench.log.disk().writes, vec![(10, true), (500, true)], "one write for the group");
    bench.finish_work();
    assert_eq!(bench.released(), bench.appended);
    assert_eq!(bench.log.disk().syncs, 2, "one sync for fifty batches");
    let statistics = bench.core.statistics(bench.now);
    assert_eq!((statistics.counters.batches, statistics.counters.writes), (51, 2));
    assert_eq!(statistics.at_risk_bytes, 0);
    bench.check_promises();
}

#[test]
fn always_puts_the_durable_position_on_record_after_idleness() {
    let mut bench = bench(Policy::Always);
    bench.append(10);
    bench.finish_work();
    assert!(bench.log.disk().marks.is_empty());
    bench.pass(ms(150));
    assert_eq!(bench.log.disk().marks, vec![10]);
    bench.pass(ms(60_000));
    assert_eq!(bench.log.disk().marks.len(), 1, "once is enough");
    assert_eq!(bench.core.next_deadline(), None, "an idle scheduler sleeps");
}

#[test]
fn everysec_releases_what_is_written_and_syncs_once_a_second() {
    let mut bench = bench(Policy::EverySecond);
    bench.append(10);
    assert_eq!((bench.written(), bench.released(), bench.durable()), (10, 10, 0));
    assert_eq!(bench.work.len(), 1, "after idleness the sync starts at once");
    bench.append(10);
    assert_eq!(bench.released(), 20, "writes go on during a sync");
    bench.finish_work();
    assert_eq!(bench.durable(), 10, "the sync covers what was written before it");
    bench.pass(ms(999));
    assert!(bench.work.is_empty());
    bench.pass(ms(1));
    assert_eq!(bench.work.len(), 1);
    assert_eq!(bench.log.disk().marks, vec![10], "a long frame before the sync");
    bench.finish_work();
    assert_eq!(bench.durable(), 20);
    bench.pass(ms(10_000));
    assert_eq!(bench.log.disk().syncs, 2, "nothing to sync, no sync");
    assert_eq!(bench.log.disk().marks, vec![10, 20], "a mark after idleness");
    bench.check_promises();
}

#[test]
fn everysec_holds_replies_back_when_a_sync_takes_too_long() {
    let mut bench = bench(Policy::EverySecond);
    bench.append(10);
    bench.pass(ms(1500));
    bench.append(10);
    assert_eq!(bench.released(), 20);
    bench.pass(ms(4499));
    assert_eq!(bench.take_events(), vec![], "not yet");
    bench.pass(ms(101));
    assert_eq!(bench.take_events(), vec![Event::SlowSync { at_risk_ms: 6000, holding: true }]);
    bench.append(10);
    assert_eq!((bench.written(), bench.released()), (30, 20), "written, but not acknowledged");
    let statistics = bench.core.statistics(bench.now);
    assert_eq!((statistics.at_risk_bytes, statistics.at_risk_ms), (20, 6100));
    bench.finish_work();
    assert_eq!(bench.released(), 30, "the oldest write at risk is young again");
    assert_eq!(bench.work.len(), 1, "the next sync follows at once");
    bench.finish_work();
    assert_eq!(bench.durable(), 30);
    assert_eq!(bench.core.statistics(bench.now).counters.delayed_fsync, 1);
}

#[test]
fn everysec_bound_follows_the_disk() {
    let mut bench = bench(Policy::EverySecond);
    for _ in 0..3 {
        bench.append(10);
        bench.pass(ms(3000));
        bench.append(10);
        bench.pass(ms(100));
        bench.finish_work();
        assert!(bench.take_events().is_empty(), "syncs of three seconds hold nobody back");
    }
    // The last pair has been at risk for up to 3.1 s now; the limit is three times what the last sync took.
    bench.append(10);
    bench.pass(ms(6100));
    assert!(bench.take_events().is_empty());
    bench.append(10);
    assert_eq!(bench.released(), 80);
    bench.pass(ms(200));
    assert_eq!(bench.take_events().len(), 1);
}

#[test]
fn everysec_may_continue_and_say_so() {
    let mut bench = bench(Policy::EverySecond);
    bench.send(Message::SetOverload(Overload::Continue));
    bench.append(10);
    bench.pass(ms(6100));
    bench.append(10);
    assert_eq!(bench.released(), 20);
    assert_eq!(bench.take_events(), vec![Event::SlowSync { at_risk_ms: 6000, holding: false }]);
    assert_eq!(bench.core.statistics(bench.now).counters.delayed_fsync, 1);
}

#[test]
fn no_syncs_rarely_but_it_does() {
    let mut bench = bench(Policy::No);
    bench.append(10);
    assert_eq!(bench.released(), 10);
    bench.pass(ms(29_999));
    assert!(bench.work.is_empty());
    bench.pass(ms(1));
    assert_eq!(bench.work.len(), 1);
    bench.finish_work();
    assert_eq!(bench.durable(), 10);
}

#[test]
fn many_unsynced_bytes_start_a_sync_early() {
    for policy in [Policy::No, Policy::EverySecond] {
        let mut bench = Bench::new(Options { policy, unsynced_bytes_max: 100, ..Options::default() });
        bench.append(1);
        bench.pass(ms(10));
        if policy == Policy::EverySecond {
            bench.finish_work();
        }
        bench.append(120);
        assert_eq!(bench.work.len(), 1, "{policy:?}");
        bench.finish_work();
        assert_eq!(bench.durable(), 121);
    }
}

#[test]
fn memory_for_unsynced_batches_is_bounded() {
    // Whichever limit is lower starts the sync; nobody waits for the timer.
    for unsynced_bytes_max in [100, 100_000] {
        let options =
            Options { policy: Policy::No, unsynced_bytes_max, retained_bytes_max: 200, ..Options::default() };
        let mut bench = Bench::new(options);
        for _ in 0..100 {
            bench.append(50);
        }
        assert_eq!(bench.written(), 200, "writing waits for the sync");
        assert_eq!(bench.core.queued_bytes(), 50 * 96);
        let mut rounds = 0;
        while bench.written() < bench.appended {
            bench.finish_work();
            rounds += 1;
            assert!(rounds < 200);
        }
        bench.settle();
        assert_eq!(bench.durable(), bench.appended);
        bench.check_promises();
    }
}

#[test]
fn turning_to_always_syncs_before_anything_more_is_released() {
    let mut bench = bench(Policy::EverySecond);
    bench.append(10);
    bench.append(10);
    bench.send(Message::SetPolicy(Policy::Always));
    bench.append(10);
    assert_eq!((bench.released(), bench.written()), (20, 20), "the new batch waits for the sync under way");
    bench.finish_work();
    assert_eq!((bench.durable(), bench.released()), (10, 20));
    bench.finish_work();
    assert_eq!((bench.durable(), bench.released(), bench.written()), (20, 20, 30));
    bench.finish_work();
    assert_eq!(bench.released(), 30);
    bench.send(Message::SetPolicy(Policy::No));
    bench.append(10);
    assert_eq!((bench.released(), bench.durable()), (40, 30));
}

#[test]
fn flush_makes_everything_durable() {
    let mut bench = bench(Policy::No);
    bench.append(10);
    let id = bench.flush();
    bench.append(10);
    assert_eq!(bench.written(), 20, "a flush does not hold up what comes behind it");
    bench.finish_work();
    assert_eq!(bench.take_events(), vec![Event::FlushDone { id, result: Ok(10_u64.into()) }]);
    let id = bench.flush();
    bench.finish_work();
    let id_again = bench.flush();
    let expected = [id, id_again].map(|id| Event::FlushDone { id, result: Ok(20_u64.into()) });
    assert_eq!(bench.take_events(), expected, "nothing unsynced, done at once");
}

#[test]
fn a_policy_is_in_force_from_its_place_among_the_batches() {
    let mut bench = bench(Policy::Always);
    bench.log.disk().wants_preparation = true;
    bench.append(10);
    bench.log.disk().faults.fail_syncs = 1;
    bench.finish_work();
    assert!(bench.core.failure().is_some_and(|failure| failure.lost), "awaits the preparation");
    bench.send(Message::SetPolicy(Policy::No));
    bench.append(10);
    assert_eq!((bench.core.policy(), bench.released()), (Policy::Always, 0));
    bench.finish_work();
    assert_eq!((bench.core.policy(), bench.written(), bench.durable()), (Policy::No, 20, 10));
    assert_eq!(bench.released(), 20, "the first is durable, the second needs only be written");
    bench.check_promises();
}

#[test]
fn a_clean_close_drains_and_syncs() {
    for policy in [Policy::Always, Policy::EverySecond, Policy::No] {
        let mut bench = bench(policy);
        bench.append(10);
        bench.append(10);
        bench.send(Message::Close { clean: true });
        bench.settle();
        assert_eq!(bench.take_events(), vec![Event::Closed { result: Ok(()) }], "{policy:?}");
        assert_eq!((bench.durable(), bench.released()), (20, 20));
        assert_eq!(bench.log.disk().closed, Some(true));
        bench.append(10);
        assert_eq!(bench.released(), 20);
    }
}

#[test]
fn a_write_delay_makes_groups_and_loses_nothing() {
    let mut bench = bench(Policy::EverySecond);
    bench.core.set_write_delay_us(50_000);
    bench.append(10);
    bench.pass(ms(20));
    bench.append(10);
    assert_eq!(bench.written(), 0);
    bench.pass(ms(30));
    assert_eq!(bench.written(), 20);
    assert_eq!(bench.log.disk().writes.len(), 1);
    bench.core.set_write_delay_us(0);
    bench.append(10);
    assert_eq!(bench.written(), 30);
}

#[test]
fn space_is_prepared_beside_the_syncs() {
    let mut bench = bench(Policy::Always);
    bench.log.disk().wants_preparation = true;
    bench.append(10);
    assert_eq!(bench.work.len(), 2, "a sync and a preparation");
    bench.finish_all_work();
    assert_eq!(bench.log.disk().preparations, 1);
    assert_eq!(bench.released(), 10);
    bench.log.disk().faults.full = true;
    bench.log.disk().wants_preparation = true;
    bench.log.disk().faults.full = false;
    bench.append(10);
    bench.log.disk().faults.full = true;
    bench.finish_all_work();
    assert_eq!(bench.released(), 20, "no room to prepare is no failure");
    assert!(bench.core.failure().is_none());
}
