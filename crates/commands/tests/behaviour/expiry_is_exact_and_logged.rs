//! Expiry: exact on access, logged as a removal, and never on its own account while the log is replayed.

use lastsave_commands::{ExpireCycle, ExpireCycleKind};

use crate::executor::Executor;
use crate::script::check;

#[test]
fn commands_that_set_an_expiry() {
    check(
        r"
        > EXPIRE k 10
        :0
        > SET k v
        +OK
        = 0
        > TTL k
        :-1
        > TTL nope
        :-2
        > EXPIRE k 10
        :1
        ~ 0 PEXPIREAT k 1700000010000
        > PEXPIRE k 20000 xx GT
        :1
        ~ 0 PEXPIREAT k 1700000020000 xx GT
        > EXPIRE k 10 GT
        :0
        > EXPIRE k 30 LT
        :0
        > EXPIRE k 30 NX
        :0
        > EXPIREAT k 1700000030
        :1
        ~ 0 PEXPIREAT k 1700000030000
        > PEXPIREAT k 1700000040600
        :1
        = 0
        > EXPIRETIME k
        :1700000041
        > PEXPIRETIME k
        :1700000040600
        > PTTL k
        :40600
        > TTL k
        :41
        > PERSIST k
        :1
        = 0
        > PERSIST k
        :0
        > EXPIRE k 10 XX
        :0
        > EXPIRE k 10 GT
        :0
        > EXPIRE k 10 LT
        :1
        ~ 0 PEXPIREAT k 1700000010000 LT
        > EXPIRE k x
        -ERR value is not an integer or out of range
        > EXPIRE k 9223372036854775807
        -ERR invalid expire time in 'expire' command
        > PEXPIRE k 9223372036854775807
        -ERR invalid expire time in 'pexpire' command
        > EXPIRE k 10 AB
        -ERR Unsupported option AB
        > EXPIRE k 10 NX LT
        -ERR NX and XX, GT or LT options at the same time are not compatible
        > EXPIRE k 10 GT LT
        -ERR GT and LT options at the same time are not compatible
        > EXPIRE k -1
        :1
        ~ 0 DEL k
        > EXISTS k
        :0
        ",
    );
}

#[test]
fn a_key_is_there_until_its_time_and_then_gone() {
    check(
        r"
        > SET k v PX 1000
        +OK
        ~ 0 SET k v PXAT 1700000001000
        @ after 1000
        > PTTL k
        :0
        @ after 1
        > DBSIZE
        :1
        > KEYS *
        *0
        > GET k
        $-1
        ~ 0 DEL k
        > DBSIZE
        :0
        > SET k v PX 1000
        +OK
        ~ 0 SET k v PXAT 1700000002001
        @ after 1001
        @ lazyfree on
        > DEL k
        :0
        ~ 0 UNLINK k
        > SET k 5 PX 1000
        +OK
        ~ 0 SET k 5 PXAT 1700000003002
        @ after 1001
        > INCR k
        :1
        ~ 0 UNLINK k
        = 0
        > TTL k
        :-1
        > SET k v PXAT 5
        +OK
        = 0
        > RANDOMKEY
        $-1
        ~ 0 UNLINK k
        > SET k v PXAT 5
        +OK
        = 0
        > SCAN 0
        *2 $1 0 *0
        ~ 0 UNLINK k
        ",
    );
}

#[test]
fn nothing_expires_and_nothing_is_logged_while_the_log_is_replayed() {
    check(
        r"
        @ replay on
        > SET k v PXAT 5
        +OK
        > GET k
        $1 v
        > PEXPIREAT k 6
        :1
        > RENAME k l
        +OK
        > PEXPIRETIME l
        :6
        > RESTORE r 5 \x00\x05hello\x0b\x00\n\xadb\x05\x98\xab\xc9\x83 ABSTTL
        -ERR DUMP payload version or checksum are wrong
        @ max-bulk 2
        > APPEND l onger
        :6
        @ replay off
        > GET l
        $-1
        ~ 0 DEL l
        ",
    );
}

#[test]
fn the_active_cycle_removes_what_nobody_asks_for() {
    let mut executor = Executor::new();
    for number in 0..500 {
        let key = format!("short:{number}");
        executor.run(&[b"SET", key.as_bytes(), b"v", b"PX", b"100"]);
        executor.run(&[b"SET", format!("long:{number}").as_bytes(), b"v"]);
    }
    executor.db = 5;
    executor.run(&[b"SET", b"other", b"v", b"PX", b"5000"]);
    executor.now_ms += 101;
    let mut cycle = ExpireCycle::new();
    let (outcome, ran) = executor.expire_cycle(&mut cycle, ExpireCycleKind::Slow { hz: 10 });
    assert_eq!((outcome.expired, outcome.timed_out), (500, false));
    assert_eq!(ran.effects.len(), 500);
    assert!(ran.effects.iter().all(|effect| effect.db == 0 && effect.args[0] == b"DEL"));
    assert_eq!(executor.keyspace.db(0).len(), 500);
    assert_eq!(executor.stats.expired_keys, 500);
    assert_eq!(cycle.average_ttl_ms(5) / 100, 48, "about 4.9 s to go");
}

#[test]
fn a_cycle_stops_when_its_time_is_up_and_the_fast_one_follows_up() {
    let mut executor = Executor::new();
    for number in 0..20_000 {
        executor.run(&[b"SET", format!("k:{number}").as_bytes(), b"v", b"PXAT", b"5"]);
    }
    let mut cycle = ExpireCycle::new();
    let idle = executor.expire_cycle(&mut cycle, ExpireCycleKind::Fast).0;
    assert_eq!(idle.sampled, 0, "no reason yet for a fast cycle");
    // The clock of the harness moves 10 us with each look, and there is one look per 16 samples.
    let slow = executor.expire_cycle(&mut cycle, ExpireCycleKind::Slow { hz: 100_000 }).0;
    assert!(slow.timed_out && slow.expired > 0 && slow.expired < 20_000, "{slow:?}");
    assert_eq!(executor.stats.expired_time_cap_reached_count, 1);
    let fast = executor.expire_cycle(&mut cycle, ExpireCycleKind::Fast).0;
    assert!(fast.expired > 0, "{fast:?}");
}
