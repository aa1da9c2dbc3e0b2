//! COMMAND tells about commands what Redis tells, where both know them.

use std::collections::BTreeMap;

use lastsave_commands::{CommandSpec, Handler, all_commands};
use lastsave_resp::{Protocol, Reply};

use crate::executor::Executor;
use crate::oracle::{Oracle, decode};
use crate::script::show_reply;

/// Names of the elements of a COMMAND INFO entry.
const FIELDS: [&str; 9] = ["name", "arity", "flags", "first", "last", "step", "categories", "tips", "keys"];

/// What 7.2, the version told here, changed since 7.0.15: command and field.
const CHANGED_SINCE_7_0: &[(&str, &str)] = &[
    ("blmove", "flags"),
    ("blpop", "flags"),
    ("brpop", "flags"),
    ("brpoplpush", "flags"),
    ("bzpopmax", "flags"),
    ("bzpopmin", "flags"),
    ("client|setname", "tips"),
    ("command|getkeys", "arity"),
    ("command|getkeysandflags", "arity"),
    ("config|resetstat", "tips"),
    ("config|rewrite", "tips"),
    ("latency|reset", "tips"),
    ("msetnx", "tips"),
    ("randomkey", "tips"),
    ("scan", "tips"),
    ("wait", "flags"),
    ("zrank", "arity"),
    ("zrevrank", "arity"),
];

fn items(reply: &Reply) -> Vec<Reply> {
    match reply {
        Reply::Array(items) | Reply::Set(items) => items.clone(),
        other => panic!("not an array: {other:?}"),
    }
}

fn text(reply: &Reply) -> String {
    match reply {
        Reply::Bulk(text) | Reply::Simple(text) => String::from_utf8_lossy(text).into_owned(),
        other => panic!("not a text: {other:?}"),
    }
}

/// The fields of an entry, its subcommands' ones included, each under its command's name.
fn flatten(entry: &Reply, fields: &mut BTreeMap<(String, &'static str), Reply>) {
    let elements = items(entry);
    assert_eq!(elements.len(), 10);
    let name = text(&elements[0]);
    for (field, value) in FIELDS.into_iter().zip(&elements) {
        let value = match (field, value) {
            ("flags" | "categories" | "tips", list) => {
                let mut words: Vec<String> = items(list).iter().map(text).collect();
                words.sort();
                Reply::Array(words.into_iter().map(|word| Reply::Bulk(word.into())).collect())
            }
            (_, value) => value.clone(),
        };
        fields.insert((name.clone(), field), value);
    }
    for sub in items(&elements[9]) {
        flatten(&sub, fields);
    }
}

#[test]
fn command_info_agrees_field_by_field() {
    let Some(mut oracle) = Oracle::start() else { return };
    let mut executor = Executor::new();
    let (mut compared, mut differences) = (0, Vec::new());
    for spec in all_commands() {
        let args: [&[u8]; 3] = [b"COMMAND", b"INFO", spec.name.as_bytes()];
        let (ours, theirs) = (decode(&executor.run(&args).reply), oracle.run_decoded(&args));
        if items(&theirs)[0] == Reply::NullArray || items(&theirs)[0] == Reply::Null {
            continue;
        }
        let (mut our_fields, mut their_fields) = (BTreeMap::new(), BTreeMap::new());
        flatten(&items(&ours)[0], &mut our_fields);
        flatten(&items(&theirs)[0], &mut their_fields);
        for (place, ours) in our_fields {
            let Some(theirs) = their_fields.get(&place) else { continue };
            compared += 1;
            if ours != *theirs && !CHANGED_SINCE_7_0.contains(&(place.0.as_str(), place.1)) {
                differences.push(format!("{} {}: {ours:?} instead of {theirs:?}", place.0, place.1));
            }
        }
    }
    assert!(compared > 500, "{compared}");
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

fn every_spec() -> impl Iterator<Item = &'static CommandSpec> {
    all_commands().iter().flat_map(|spec| std::iter::once(spec).chain(spec.subcommands))
}

#[test]
fn every_command_is_documented() {
    for spec in every_spec() {
        assert!(!spec.summary.is_empty(), "{}", spec.full_name);
        assert!(!spec.since.is_empty(), "{}", spec.full_name);
        let container = matches!(spec.handler, Handler::Container);
        assert!(!container || spec.complexity.starts_with("Depends on"), "{}", spec.full_name);
        let keys = spec.arguments.iter().filter(|argument| argument.key_spec_index.is_some());
        assert!(
            keys.clone()
                .all(|argument| usize::from(argument.key_spec_index.unwrap_or(0)) < spec.key_specs.len())
        );
    }
}

#[test]
fn the_whole_table_is_one_well_formed_reply_in_either_protocol() {
    let mut executor = Executor::new();
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        executor.protocol = protocol;
        let count = all_commands().len();
        let Reply::Array(infos) = decode(&executor.run_text("COMMAND").reply) else { panic!("an array") };
        assert_eq!(infos.len(), count);
        match decode(&executor.run_text("COMMAND DOCS").reply) {
            Reply::Map(pairs) => assert_eq!((pairs.len(), protocol), (count, Protocol::Resp3)),
            Reply::Array(items) => assert_eq!((items.len(), protocol), (2 * count, Protocol::Resp2)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn command_list_filters() {
    let mut executor = Executor::new();
    let mut list = |line: &str| -> Vec<String> {
        items(&decode(&executor.run_text(line).reply)).iter().map(text).collect()
    };
    assert_eq!(list("COMMAND LIST").len(), every_spec().count());
    assert_eq!(list("COMMAND LIST FILTERBY PATTERN GETE*"), ["getex"]);
    assert_eq!(list("COMMAND LIST FILTERBY PATTERN config|r*"), ["config|resetstat", "config|rewrite"]);
    assert!(list("COMMAND LIST FILTERBY ACLCAT String").contains(&"append".to_owned()));
    assert!(list("COMMAND LIST FILTERBY ACLCAT nosuch").is_empty());
    assert!(list("COMMAND LIST FILTERBY MODULE json").is_empty());
}

#[test]
fn docs_show_what_clients_read() {
    let reply = show_reply(&Executor::new().run_text("COMMAND DOCS getset").reply);
    for part in [
        "$9 doc_flags *1 +deprecated $16 deprecated_since $5 6.2.0 $11 replaced_by",
        "*8 $4 name $3 key $4 type $3 key $12 display_text $3 key $14 key_spec_index :0",
    ] {
        assert!(reply.contains(part), "{part} is not in {reply}");
    }
}
