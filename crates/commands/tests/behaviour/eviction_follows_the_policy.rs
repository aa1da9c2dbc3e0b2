//! Which keys are given up when the data are too big, what is logged, and how near the choice is to the best one.

use std::collections::HashSet;

use lastsave_commands::{EventClass, EvictionResult, Evictor, MaxmemoryPolicy, Signal, dataset_digest};
use lastsave_rdb::RdbVersion;
use lastsave_resp::Reply;

use crate::executor::Executor;
use crate::oracle::{Oracle, decode};

fn live_bytes(executor: &Executor) -> u64 {
    executor.keyspace.memory().live_bytes as u64
}

/// 200 keys that expire and 200 that do not, in two databases.
fn filled(policy: MaxmemoryPolicy) -> Executor {
    let mut executor = Executor::new();
    executor.options.maxmemory_policy = policy;
    for number in 0..400 {
        executor.db = number % 4 / 2;
        let ttl = if number % 2 == 0 { format!(" PX {}", 1_000_000 + number) } else { String::new() };
        executor.run_text(&format!("SET key:{number} {}{ttl}", "x".repeat(100)));
    }
    executor
}

#[test]
fn the_data_shrink_by_as_much_as_asked_and_volatile_policies_spare_keys_without_expiry() {
    for (name, policy) in MaxmemoryPolicy::NAMES {
        let mut executor = filled(*policy);
        let mut evictor = Evictor::new();
        let before = live_bytes(&executor);
        let (result, outcome) = executor.evict(&mut evictor, 10_000, 0);
        if *policy == MaxmemoryPolicy::NoEviction {
            assert_eq!((result, outcome.effects.len()), (EvictionResult::NothingLeft, 0));
            continue;
        }
        assert_eq!(result, EvictionResult::Done, "{name}");
        assert!(
            live_bytes(&executor) <= before - 10_000 && live_bytes(&executor) > before - 12_000,
            "{name}"
        );
        assert_eq!(executor.stats.evicted_keys, outcome.effects.len() as u64);
        let (result, _) = executor.evict(&mut evictor, u64::MAX, 0);
        let left: u64 = (0..2).map(|db| executor.keyspace.db(db).len()).sum();
        let expected = if name.starts_with("volatile") { 200 } else { 0 };
        assert_eq!(left, expected, "{name}");
        assert_eq!(result, EvictionResult::NothingLeft, "{name}");
    }
}

#[test]
fn every_key_given_up_is_logged_and_announced() {
    for (lazy, command) in [(false, "DEL"), (true, "UNLINK")] {
        let mut executor = filled(MaxmemoryPolicy::AllkeysLru);
        let mut replica = filled(MaxmemoryPolicy::NoEviction);
        executor.options.lazyfree_lazy_eviction = lazy;
        executor.signals.want_events([EventClass::Evicted]);
        let (_, outcome) = executor.evict(&mut Evictor::new(), 20_000, 0);
        let announced: Vec<_> = executor
            .signals
            .iter()
            .filter_map(|signal| match signal {
                Signal::Event { db, event: "evicted", key, .. } => Some((db, key.to_vec())),
                _ => None,
            })
            .collect();
        let logged: Vec<_> =
            outcome.effects.iter().map(|effect| (effect.db, effect.args[1].clone())).collect();
        assert_eq!(announced, logged);
        for effect in &outcome.effects {
            assert_eq!(effect.args[0], command.as_bytes());
            replica.db = effect.db;
            replica.run(&[&effect.args[0], &effect.args[1]]);
        }
        assert_eq!(dataset_digest(&executor.keyspace), dataset_digest(&replica.keyspace));
    }
}

#[test]
fn an_empty_data_set_has_nothing_to_give() {
    let mut executor = Executor::new();
    executor.options.maxmemory_policy = MaxmemoryPolicy::AllkeysLru;
    assert_eq!(executor.evict(&mut Evictor::new(), 1, 0).0, EvictionResult::NothingLeft);
}

#[test]
fn a_round_ends_when_its_time_is_up() {
    let mut executor = filled(MaxmemoryPolicy::AllkeysRandom);
    let (result, outcome) = executor.evict(&mut Evictor::new(), u64::MAX, 1000);
    assert_eq!((result, outcome.effects.len()), (EvictionResult::TimedOut, 16));
}

#[test]
fn a_key_that_was_used_meanwhile_is_spared() {
    let mut executor = Executor::new();
    executor.options.maxmemory_policy = MaxmemoryPolicy::AllkeysLru;
    for number in 0..12 {
        executor.run_text(&format!("SET key:{number} x"));
        executor.now_ms += 10_000;
    }
    let mut evictor = Evictor::new();
    executor.options.maxmemory_samples = 100;
    assert_eq!(executor.evict(&mut evictor, 1, 0).1.effects[0].args[1], b"key:0");
    executor.run_text("GET key:1");
    assert_eq!(executor.evict(&mut evictor, 1, 0).1.effects[0].args[1], b"key:2");
}

/// Of the keys that are gone, the share that belongs to the `gone.len()` worst; key number 0 is the worst.
fn share_of_the_worst(gone: &HashSet<usize>) -> f64 {
    gone.iter().filter(|number| **number < gone.len()).count() as f64 / gone.len() as f64
}

const KEYS: usize = 4000;

/// Restores keys of different badness on both sides and gives up about half of them. Gives the share of the worst, ours
/// and theirs.
fn compare(oracle: &mut Oracle, policy: &str) -> (f64, f64) {
    let mut executor = Executor::new();
    executor.options.rdb_write_version = RdbVersion::V10;
    executor.options.rdb_compression = false;
    executor.options.maxmemory_policy = policy.parse().expect("a policy");
    oracle.run(&[b"FLUSHALL"]);
    for (directive, value) in
        [("maxmemory", "0"), ("maxmemory-policy", policy), ("maxmemory-eviction-tenacity", "100")]
    {
        oracle.run(&[b"CONFIG", b"SET", directive.as_bytes(), value.as_bytes()]);
    }
    executor.run(&[b"SET", b"k", &[b'x'; 600]]);
    let Reply::Bulk(payload) = decode(&executor.run_text("DUMP k").reply) else { panic!("a dump") };
    executor.run_text("DEL k");
    // In an order that has nothing to do with badness.
    for number in (0..KEYS).map(|number| number * 1237 % KEYS) {
        let name = format!("key:{number}");
        let ttl = if policy == "volatile-ttl" { number + 1_000_000 } else { 0 }.to_string();
        let idle = ((KEYS - number) * 10).to_string();
        let rareness = (number * 255 / KEYS).to_string();
        let mut args = vec![&b"RESTORE"[..], name.as_bytes(), ttl.as_bytes(), &payload];
        match policy {
            "allkeys-lru" => args.extend([&b"IDLETIME"[..], idle.as_bytes()]),
            "allkeys-lfu" => args.extend([&b"FREQ"[..], rareness.as_bytes()]),
            _ => {}
        }
        assert_eq!(executor.run(&args).reply, b"+OK\r\n");
        assert_eq!(oracle.run(&args), b"+OK\r\n");
    }
    executor.evict(&mut Evictor::new(), live_bytes(&executor) / 2, 0);
    let ours = (0..KEYS)
        .filter(|number| executor.run(&[b"EXISTS", format!("key:{number}").as_bytes()]).reply == b":0\r\n");
    let ours: HashSet<usize> = ours.collect();
    let used = oracle.run(&[b"INFO", b"memory"]);
    let used = String::from_utf8_lossy(&used).into_owned();
    let used = used.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a field");
    let used: usize = used.trim().parse().expect("a number");
    oracle.run(&[b"CONFIG", b"SET", b"maxmemory", (used - KEYS / 2 * 700).to_string().as_bytes()]);
    oracle.run(&[b"PING"]);
    let theirs = (0..KEYS)
        .filter(|number| oracle.run(&[b"EXISTS", format!("key:{number}").as_bytes()]) == b":0\r\n")
        .collect::<HashSet<_>>();
    oracle.run(&[b"CONFIG", b"SET", b"maxmemory", b"0"]);
    assert!(ours.len() > KEYS / 3 && theirs.len() > KEYS / 3, "{} {}", ours.len(), theirs.len());
    (share_of_the_worst(&ours), share_of_the_worst(&theirs))
}

#[test]
fn the_choice_is_as_good_as_that_of_redis() {
    let Some(mut oracle) = Oracle::start() else { return };
    for policy in ["allkeys-lru", "allkeys-lfu", "volatile-ttl"] {
        let (ours, theirs) = compare(&mut oracle, policy);
        println!(
            "{policy}: {:.1} % of the keys given up are among the worst, in Redis {:.1} %",
            ours * 100.0,
            theirs * 100.0
        );
        assert!(ours > theirs - 0.04, "{policy}: {ours} {theirs}");
    }
}
