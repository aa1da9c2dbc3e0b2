//! Commands on streams: what 7.2 does differently from the server that is compared with, what is logged, and waiting.

use lastsave_commands::AwaitedType;

use crate::executor::Executor;
use crate::script::{check, show_reply};

#[test]
fn entries_are_logged_with_the_id_they_got() {
    check(
        r#"
        > XADD x * f v
        $15 1700000000000-0
        ~ 0 XADD x 1700000000000-0 f v
        > XADD x * f v
        $15 1700000000000-1
        ~ 0 XADD x 1700000000000-1 f v
        > XADD x 1800000000000-* f v
        $15 1800000000000-0
        ~ 0 XADD x 1800000000000-0 f v
        # The clock is behind.
        > XADD x MAXLEN 2 * f v
        $15 1800000000000-1
        ~ 0 XADD x MAXLEN 2 1800000000000-1 f v
        > XADD x MAXLEN ~ 1 LIMIT 7 1900000000000-5 f v
        $15 1900000000000-5
        ~ 0 XADD x MAXLEN = 3 LIMIT 7 1900000000000-5 f v
        > XADD nosuch NOMKSTREAM * f v
        $-1
        > XADD x 5-1 f v
        -ERR The ID specified in XADD is equal or smaller than the target stream top item
        > XADD x 0-0 f v
        -ERR The ID specified in XADD must be greater than 0-0
        > XADD x * f
        -ERR wrong number of arguments for 'xadd' command
        > XADD x 18446744073709551615-18446744073709551615 f v
        $41 18446744073709551615-18446744073709551615
        = 0
        > XADD x * f v
        -ERR The stream has exhausted the last possible ID, unable to add more items
        @ replay on
        > XADD y MAXLEN = 1 LIMIT 7 1-1 f v
        $3 1-1
        "#,
    );
}

#[test]
fn consumers_are_created_even_when_there_is_nothing_for_them() {
    check(
        r#"
        > XGROUP CREATE x g $ MKSTREAM
        +OK
        = 0
        > XREADGROUP GROUP g ann STREAMS x >
        *-1
        > XINFO CONSUMERS x g
        *1 *8 $4 name $3 ann $7 pending :0 $4 idle :0 $8 inactive :-1
        > XREADGROUP GROUP g bob NOACK STREAMS x >
        *-1
        ~ 0 XGROUP CREATECONSUMER x g bob
        > XADD x 1-1 f v
        $3 1-1
        = 0
        @ after 100
        > XREADGROUP GROUP g ann STREAMS x >
        *1 *2 $1 x *1 *2 $3 1-1 *2 $1 f $1 v
        ~ 0 XCLAIM x g ann 0 1-1 TIME 1700000000100 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1
        @ after 50
        > XINFO CONSUMERS x g
        *2 *8 $4 name $3 ann $7 pending :1 $4 idle :50 $8 inactive :50 *8 $4 name $3 bob $7 pending :0 $4 idle :150 $8 inactive :-1
        > XREADGROUP GROUP g ann STREAMS x 0
        *1 *2 $1 x *1 *2 $3 1-1 *2 $1 f $1 v
        > XPENDING x g - + 10
        *1 *4 $3 1-1 $3 ann :0 :2
        > XADD x 2-1 f v
        $3 2-1
        = 0
        > XREADGROUP GROUP g bob NOACK STREAMS x >
        *1 *2 $1 x *1 *2 $3 2-1 *2 $1 f $1 v
        ~ 0 XGROUP SETID x g 2-1 ENTRIESREAD 2
        > XCLAIM x g carl 0 1-1
        *1 *2 $3 1-1 *2 $1 f $1 v
        ~ 0 XCLAIM x g carl 0 1-1 TIME 1700000000150 RETRYCOUNT 3 FORCE JUSTID LASTID 2-1
        > XACK x g 1-1 1-1
        :1
        = 0
        "#,
    );
}

#[test]
fn claims_of_what_is_gone_are_logged_as_they_were() {
    check(
        r#"
        > XADD x 1-1 f v
        $3 1-1
        = 0
        > XGROUP CREATE x g 0
        +OK
        = 0
        > XREADGROUP GROUP g ann STREAMS x >
        *1 *2 $1 x *1 *2 $3 1-1 *2 $1 f $1 v
        ~ 0 XCLAIM x g ann 0 1-1 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1
        > XDEL x 1-1
        :1
        = 0
        > XREADGROUP GROUP g ann STREAMS x 0
        *1 *2 $1 x *1 *2 $3 1-1 *-1
        @ after 10
        > XAUTOCLAIM x g bob 0 0
        *3 $3 0-0 *0 *1 $3 1-1
        ~ 0 XCLAIM x g ann 0 1-1 TIME 1700000000000 RETRYCOUNT 1 FORCE JUSTID LASTID 1-1
        > XPENDING x g
        *4 :0 $-1 $-1 *-1
        > XCLAIM x g bob 0 5 LASTID 7-0
        *0
        ~ 0 XGROUP SETID x g 7-0 ENTRIESREAD 1
        "#,
    );
}

/// Runs a command that may wait. Gives the request to be executed later.
fn run_waiting(executor: &mut Executor, line: &str) -> String {
    executor.may_block = true;
    let outcome = executor.run_text(line);
    assert_eq!(show_reply(&outcome.reply), "", "`{line}` does not reply");
    let asked = executor.blocking.take_asked().expect("it waits");
    let replacement = asked.replacement.map(|request| {
        let request = request.as_request();
        request.args().map(|word| word.escape_ascii().to_string()).collect::<Vec<_>>().join(" ")
    });
    replacement.unwrap_or_else(|| line.to_owned())
}

#[test]
fn a_reader_that_waits_gets_what_comes_after_it_asked() {
    let mut executor = Executor::new();
    executor.run_text("XADD x 3-4 f v");
    let later = run_waiting(&mut executor, "XREAD BLOCK 0 STREAMS x y $ $");
    assert_eq!(later, "XREAD BLOCK 0 STREAMS x y 3-4 0-0");
    executor.run_text("XADD x 4-0 f v");
    let ready = executor.blocking.next_ready().expect("x was written");
    let waiter = executor.blocking.next_waiter(&ready, 0, Some(AwaitedType::Stream));
    assert_eq!((&ready.key[..], waiter.map(|waiter| waiter.client_id)), (&b"x"[..], Some(1)));
    let reply = executor.run_text(&later).reply;
    assert_eq!(show_reply(&reply), "*1 *2 $1 x *1 *2 $3 4-0 *2 $1 f $1 v");
    executor.may_block = false;
    assert_eq!(show_reply(&executor.run_text("XREAD BLOCK 5 STREAMS x $").reply), "*-1");
}

#[test]
fn whoever_waits_for_a_group_hears_that_it_is_gone() {
    for gone in ["XGROUP DESTROY x g", "DEL x", "SET x text"] {
        let mut executor = Executor::new();
        executor.run_text("XGROUP CREATE x g $ MKSTREAM");
        let later = run_waiting(&mut executor, "XREADGROUP GROUP g c BLOCK 0 STREAMS x >");
        executor.run_text(gone);
        let ready = executor.blocking.next_ready().expect("x was written");
        let present = gone.starts_with("XGROUP").then_some(AwaitedType::Stream);
        assert!(executor.blocking.next_waiter(&ready, 0, present).is_some(), "{gone}");
        let reply = show_reply(&executor.run_text(&later).reply);
        assert!(reply.starts_with("-NOGROUP") || reply.starts_with("-WRONGTYPE"), "{gone}: {reply}");
    }
}
