//! HyperLogLog commands: replies, errors and what is logged.

use crate::script::check;

#[test]
fn what_changes_registers_or_the_cached_count_is_logged() {
    check(
        "
        > PFADD h
        :1
        = 0
        > PFADD h
        :0
        > PFADD h a b c
        :1
        = 0
        > PFADD h a b c
        :0
        > PFCOUNT h
        :3
        = 0
        > PFCOUNT h
        :3
        > PFCOUNT h none
        :3
        > PFCOUNT none
        :0
        > PFMERGE other h
        +OK
        = 0
        > PFMERGE other h
        +OK
        = 0
        > PFDEBUG TODENSE other
        :1
        = 0
        > PFDEBUG TODENSE other
        :0
        > PFADD other a
        :0
        > PFADD other d
        :1
        = 0
        > PFCOUNT other
        :4
        = 0
        > OBJECT ENCODING other
        $3 raw
        > STRLEN other
        :12304
        ",
    );
}

#[test]
fn the_time_to_live_is_kept() {
    check(
        "
        > PFADD h a
        :1
        = 0
        > PEXPIRE h 5000
        :1
        ~ 0 PEXPIREAT h 1700000005000
        > PFADD h b c
        :1
        = 0
        > PFMERGE h h
        +OK
        = 0
        > PFCOUNT h
        :3
        = 0
        > PTTL h
        :5000
        ",
    );
}

#[test]
fn what_is_no_hyperloglog_is_refused() {
    let not_one = "-WRONGTYPE Key is not a valid HyperLogLog string value.";
    let corrupt = "-INVALIDOBJ Corrupted HLL object detected";
    check(&format!(
        r#"
        > SET s text
        +OK
        = 0
        > PFADD s a
        {not_one}
        > PFCOUNT s
        {not_one}
        > PFMERGE target s
        {not_one}
        > SET s 5
        +OK
        = 0
        > PFCOUNT s
        {not_one}
        > SET s "HYLL\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x7f\xf0"
        +OK
        = 0
        > PFCOUNT s
        {corrupt}
        > PFCOUNT s none
        {corrupt}
        > PFMERGE target s
        {corrupt}
        > PFDEBUG TODENSE s
        {corrupt}
        > PFDEBUG DECODE s
        {corrupt}
        > PFDEBUG NOTHING s
        -ERR Unknown PFDEBUG subcommand 'NOTHING'
        > PFDEBUG DECODE missing
        -ERR The specified key does not exist
        > EXISTS target
        :0
        "#
    ));
}

#[test]
fn the_self_test_passes() {
    check("> PFSELFTEST\n+OK");
}
