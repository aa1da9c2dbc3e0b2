//! Commands on sets: replies, errors and what is logged.

use std::collections::BTreeSet;

use crate::executor::{Executor, Outcome};
use crate::script::check;

#[test]
fn members_come_and_go() {
    check(
        r"
        > SADD s 3 1 2 1
        :3
        = 0
        > SADD s 1 2
        :0
        > SCARD s
        :3
        > SMEMBERS s
        *3 $1 1 $1 2 $1 3
        > SISMEMBER s 2
        :1
        > SMISMEMBER s 1 x 3
        *3 :1 :0 :1
        > SMISMEMBER nope 1
        *1 :0
        > SREM s x
        :0
        > SREM s 1 x 1
        :1
        = 0
        > SMOVE s t 2
        :1
        = 0
        > SMOVE s t 2
        :0
        > SMOVE s s 3
        :1
        > SMOVE s t 3
        :1
        = 0
        > EXISTS s
        :0
        > SREM t 2 3 4
        :2
        = 0
        > EXISTS t
        :0
        @ resp 3
        > SMEMBERS t
        ~0
        > SADD t a
        :1
        = 0
        > SMEMBERS t
        ~1 $1 a
        > SRANDMEMBER t
        $1 a
        > SRANDMEMBER t -3
        *3 $1 a $1 a $1 a
        > SRANDMEMBER t 0
        *0
        ",
    );
}

#[test]
fn popping_is_logged_as_what_was_removed() {
    check(
        r"
        > SADD s a
        :1
        = 0
        > SPOP s
        $1 a
        ~ 0 SREM s a
        > EXISTS s
        :0
        > SPOP s
        $-1
        > SPOP s 3
        *0
        > SADD s a
        :1
        = 0
        > SPOP s 0
        *0
        > SPOP s 2
        *1 $1 a
        ~ 0 DEL s
        > SPOP s -1
        -ERR value is out of range, must be positive
        > SPOP s x
        -ERR value is out of range, must be positive
        > SPOP s 1 2
        -ERR syntax error
        > SRANDMEMBER s 1 2
        -ERR syntax error
        ",
    );
}

fn members(executor: &mut Executor) -> BTreeSet<String> {
    bulks(&executor.run_text("SMEMBERS s"))
}

fn bulks(outcome: &Outcome) -> BTreeSet<String> {
    let text = String::from_utf8(outcome.reply.clone()).expect("ASCII");
    text.split("\r\n")
        .filter(|line| !line.starts_with(['*', '$']) && !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn many_popped_members_are_logged_in_pieces() {
    for (count, popped, pieces) in [(5000, 3000, 3), (3000, 2999, 3), (100, 30, 1)] {
        let mut executor = Executor::new();
        for number in 0..count {
            executor.run(&[b"SADD", b"s", format!("m{number}").as_bytes()]);
        }
        let before = members(&mut executor);
        let outcome = executor.run(&[b"SPOP", b"s", popped.to_string().as_bytes()]);
        let gone = bulks(&outcome);
        assert_eq!((gone.len(), outcome.dirty), (popped, popped as u64));
        let after = members(&mut executor);
        assert_eq!(&before - &gone, after);
        let logged: BTreeSet<String> = outcome
            .effects
            .iter()
            .inspect(|effect| assert!(effect.args[0] == b"SREM" && effect.args.len() <= 1026))
            .flat_map(|effect| effect.args[2..].iter().map(|member| String::from_utf8_lossy(member).into()))
            .collect();
        assert_eq!((logged, outcome.effects.len()), (gone, pieces));
    }
}

#[test]
fn sets_are_combined_and_stored() {
    check(
        r#"
        > SADD a 1 2 3 4
        :4
        = 0
        > SADD b 3 4 5
        :3
        = 0
        > SINTER a b
        *2 $1 3 $1 4
        > SINTER a nope
        *0
        > SUNION a b nope
        *5 $1 1 $1 2 $1 3 $1 4 $1 5
        > SDIFF a b
        *2 $1 1 $1 2
        > SDIFF nope a
        *0
        > SINTERCARD 2 a b
        :2
        > SINTERCARD 2 a b LIMIT 1
        :1
        > SINTERCARD 2 a b LIMIT 0
        :2
        > SINTERCARD 0 a
        -ERR numkeys should be greater than 0
        > SINTERCARD 3 a b
        -ERR Number of keys can't be greater than number of args
        > SINTERCARD 1 a b
        -ERR syntax error
        > SINTERCARD 1 a LIMIT -1
        -ERR LIMIT can't be negative
        > SINTERSTORE d a b
        :2
        = 0
        > OBJECT ENCODING d
        $6 intset
        > SDIFFSTORE d b a
        :1
        = 0
        > SMEMBERS d
        *1 $1 5
        > SUNIONSTORE d nope
        :0
        = 0
        > EXISTS d
        :0
        > SUNIONSTORE d nope
        :0
        > SET string v
        +OK
        = 0
        > SUNION a string
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SINTER nope string
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > SUNIONSTORE string a
        :4
        = 0
        > TYPE string
        +set
        "#,
    );
}

#[test]
fn sets_change_their_form_where_redis_7_2_does() {
    let mut executor = Executor::new();
    executor.options.set_max_intset_entries = 4;
    executor.options.set_max_listpack_entries = 3;
    let mut encoding_after = |lines: &[&str]| {
        executor.run_text("DEL s t");
        lines.iter().for_each(|line| drop(executor.run_text(line)));
        let reply = executor.run_text("OBJECT ENCODING s").reply;
        String::from_utf8(reply).expect("ASCII").split("\r\n").nth(1).expect("a name").to_owned()
    };
    for (lines, encoding) in [
        (&["SADD s 1 2 3 4"][..], "intset"),
        (&["SADD s 1 2 3 4 5"], "hashtable"),
        (&["SADD s 1 1 1 1 1"], "hashtable"),
        (&["SADD s 1 2", "SADD s x"], "listpack"),
        (&["SADD s 1 2 3", "SADD s x"], "hashtable"),
        (&["SADD s x 1 2"], "listpack"),
        (&["SADD s x 1 2", "SADD s 3"], "hashtable"),
        (&["SADD s x 1 2", "SREM s x"], "listpack"),
        (&["SADD t x 1 2", "SADD s x", "SDIFFSTORE s t s"], "intset"),
        (&["SADD t x 1 2 3", "SADD s x", "SDIFFSTORE s t s"], "intset"),
        (&["SADD t x 1 2", "SADD s 1 2 y", "SINTERSTORE s t s"], "intset"),
        (&["SADD t x 1 2", "SUNIONSTORE s t"], "listpack"),
        (&["SADD t x 1 2 3", "SUNIONSTORE s t"], "hashtable"),
        (&["SADD t x 1 2 3", "COPY t s"], "hashtable"),
    ] {
        assert_eq!(encoding_after(lines), encoding, "{lines:?}");
    }
}

#[test]
fn random_members_are_chosen_evenly() {
    for size in [6, 600] {
        let mut executor = Executor::new();
        for number in 0..size {
            executor.run(&[b"SADD", b"s", format!("m{number}").as_bytes()]);
        }
        let mut chosen = std::collections::HashMap::<Vec<u8>, u32>::new();
        for _ in 0..100 * size {
            *chosen.entry(executor.run_text("SRANDMEMBER s").reply).or_default() += 1;
        }
        assert_eq!(chosen.len(), size);
        assert!(chosen.values().all(|count| (50..170).contains(count)), "{chosen:?}");
    }
}
