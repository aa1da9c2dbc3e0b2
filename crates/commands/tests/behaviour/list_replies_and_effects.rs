//! List commands: replies, errors, what is logged, how lists are stored, and who waits for what.

use crate::executor::Executor;
use crate::script::check;

#[test]
fn pushes_and_pops_are_logged_as_they_are() {
    check(
        r"
        > RPUSH l a b c
        :3
        = 0
        > LPUSHX missing a
        :0
        > LPUSHX l 1
        :4
        = 0
        > LRANGE l 0 -1
        *4 $1 1 $1 a $1 b $1 c
        > LPOP l
        $1 1
        = 0
        > RPOP l 2
        *2 $1 c $1 b
        = 0
        > LPOP l 0
        *0
        > LPOP l 9223372036854775807
        *1 $1 a
        = 0
        > EXISTS l
        :0
        > LPOP l
        $-1
        > LPOP l 1
        *-1
        > LPOP l 1 2
        -ERR wrong number of arguments for 'lpop' command
        > RPOP l -1
        -ERR value is out of range, must be positive
        > SET s v
        +OK
        = 0
        > RPUSH s a
        -WRONGTYPE Operation against a key holding the wrong kind of value
        ",
    );
}

#[test]
fn what_waits_is_logged_as_what_does_not() {
    check(
        r"
        > RPUSH l a b c d e f
        :6
        = 0
        > BLPOP missing l 0
        *2 $1 l $1 a
        ~ 0 LPOP l
        > BRPOP l 0.5
        *2 $1 l $1 f
        ~ 0 RPOP l
        > BLMOVE l m left RIGHT 0
        $1 b
        ~ 0 LMOVE l m left RIGHT
        > brpoplpush l m 1
        $1 e
        ~ 0 RPOPLPUSH l m
        > LMPOP 2 missing m RIGHT COUNT 5
        *2 $1 m *2 $1 b $1 e
        ~ 0 RPOP m 2
        > BLMPOP 0 1 l LEFT
        *2 $1 l *1 $1 c
        ~ 0 LPOP l 1
        # Where they must not wait, they reply that the time is over.
        > BLPOP x y 0
        *-1
        > BLMPOP 1 1 x LEFT
        *-1
        > BLMOVE x y LEFT LEFT 0
        $-1
        > BLPOP x -1
        -ERR timeout is negative
        > BLPOP x abc
        -ERR timeout is not a float or out of range
        ",
    );
}

#[test]
fn elements_are_found_changed_and_removed() {
    check(
        r"
        > RPUSH l a b a 12 a
        :5
        = 0
        > LPOS l a RANK -1
        :4
        > LPOS l a COUNT 0
        *3 :0 :2 :4
        > LPOS l a COUNT 2 RANK 2 MAXLEN 3
        *1 :2
        > LPOS l x
        $-1
        > LPOS l a RANK 0
        -ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list
        > LPOS l a COUNT -1
        -ERR COUNT can't be negative
        > LSET l -2 13
        +OK
        = 0
        > LINDEX l 3
        $2 13
        > LSET l 9 x
        -ERR index out of range
        > LSET missing 0 x
        -ERR no such key
        > LINSERT l BEFORE b x
        :6
        = 0
        > LINSERT l AFTER nothing x
        :-1
        > LINSERT l BESIDE b x
        -ERR syntax error
        > LREM l -2 a
        :2
        = 0
        > LRANGE l 0 -1
        *4 $1 a $1 x $1 b $2 13
        > LTRIM l 1 2
        +OK
        = 0
        > LTRIM l 0 -1
        +OK
        > LTRIM l 2 1
        +OK
        = 0
        > TYPE l
        +none
        ",
    );
}

#[test]
fn lists_are_stored_as_redis_stores_them() {
    let mut executor = Executor::new();
    executor.options.list_max_listpack_size = 3;
    let mut encoding = |commands: &[&str]| {
        for command in commands {
            executor.run_text(command);
        }
        let reply = String::from_utf8_lossy(&executor.run_text("OBJECT ENCODING l").reply).into_owned();
        reply.lines().nth(1).map(str::to_owned)
    };
    let packed = Some("listpack".to_owned());
    let quick = Some("quicklist".to_owned());
    assert_eq!(encoding(&["RPUSH l a b c"]), packed);
    assert_eq!(encoding(&["RPUSH l d"]), quick);
    assert_eq!(encoding(&["RPOP l"]), quick);
    assert_eq!(encoding(&["RPOP l 2"]), packed);
    assert_eq!(encoding(&["RPUSH l b c", "LINSERT l AFTER b x"]), quick);
    assert_eq!(encoding(&["LTRIM l 1 1"]), packed);
    let long = format!("LSET l 0 {}", "x".repeat(8190));
    assert_eq!(encoding(&["RPUSH l z", &long]), quick);
    assert_eq!(encoding(&["RPOP l", "LSET l 0 y"]), packed);
    assert_eq!(encoding(&["RPUSH l b", "LMOVE l l LEFT RIGHT"]), packed);
}

#[test]
fn a_blocked_command_waits_for_its_keys_and_keeps_its_place() {
    let mut executor = Executor::new();
    executor.may_block = true;
    let outcome = executor.run_text("BLPOP a b 1.5");
    assert!(outcome.reply.is_empty() && outcome.effects.is_empty());
    let asked = executor.blocking.take_asked().expect("it waits");
    assert_eq!(asked.timeout_ms, Some(1500));
    assert!(asked.replacement.is_none());
    executor.run_text("SET c v");
    assert!(!executor.blocking.has_ready());
    for command in
        ["RPUSH b x", "DEL b", "SET a v", "RPUSH c2 x", "RENAME c2 b", "COPY b a REPLACE", "SWAPDB 0 1"]
    {
        executor.run_text(command);
        let ready = executor.blocking.next_ready();
        let expects = !command.contains("RPUSH c2");
        assert_eq!(ready.is_some(), expects, "{command}");
        while executor.blocking.next_ready().is_some() {}
    }
    executor.blocking.unblock(1);
    assert!(executor.blocking.is_empty());
}
