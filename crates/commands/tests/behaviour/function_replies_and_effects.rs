//! Function libraries: replies, errors and what is logged.

use lastsave_commands::Dependency;
use lastsave_rdb::RdbVersion;

use crate::executor::Executor;
use crate::script::check;

#[test]
fn what_changes_libraries_is_logged_as_it_was_sent() {
    check(
        r##"
        > FUNCTION LOAD "#!lua name=a\nx"
        $1 a
        = 0
        > FUNCTION LOAD "#!lua name=a\nx"
        -ERR Library 'a' already exists
        > FUNCTION LOAD REPLACE "#!LUA name=a\ny"
        $1 a
        = 0
        > FUNCTION LOAD "x"
        -ERR Missing library metadata
        > FUNCTION DELETE A
        -ERR Library not found
        > FUNCTION DELETE a
        +OK
        = 0
        > FUNCTION FLUSH
        +OK
        = 0
        "##,
    );
}

#[test]
fn a_payload_is_refused_whole_or_taken_whole() {
    let mut executor = Executor::new();
    for name in ["a", "b"] {
        let code = format!("#!lua name={name}\n");
        assert!(!executor.run(&[b"FUNCTION", b"LOAD", code.as_bytes()]).reply.starts_with(b"-"));
    }
    let dumped = executor.run(&[b"FUNCTION", b"DUMP"]);
    assert_eq!(dumped.depends, Dependency::Everything);
    let at = dumped.reply.iter().position(|byte| *byte == b'\n').expect("a length comes first") + 1;
    let payload = &dumped.reply[at..dumped.reply.len() - 2];
    executor.run_text("FUNCTION DELETE a");
    let before = executor.functions.clone();
    let refused = executor.run(&[b"FUNCTION", b"RESTORE", payload]);
    assert_eq!(refused.reply, b"-ERR Library b already exists\r\n");
    assert!(refused.effects.is_empty() && refused.dirty == 0);
    assert_eq!(executor.functions, before);
    let taken = executor.run(&[b"FUNCTION", b"RESTORE", payload, b"replace"]);
    assert_eq!((taken.reply.as_slice(), taken.dirty), (&b"+OK\r\n"[..], 1));
    assert!(taken.effects[0].verbatim);
    assert_eq!(executor.functions.len(), 2);
}

#[test]
fn a_version_without_libraries_takes_none() {
    let mut executor = Executor::new();
    executor.options.rdb_write_version = RdbVersion::V9;
    let refused = executor.run(&[b"FUNCTION", b"LOAD", b"#!lua name=a\n"]);
    assert_eq!(refused.reply, b"-ERR Function libraries need 'rdb-write-version' 10 or later\r\n");
    assert_eq!((executor.stats.inexpressible, executor.functions.len()), (1, 0));
}
