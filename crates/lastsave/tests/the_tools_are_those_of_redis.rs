//! `check-aof` and `check-rdb` take the same arguments, print the same lines, ask the same questions and end with the same
//! exit codes as the tools of Redis, and leave the same files.

mod harness;

use std::path::Path;

use harness::tools::{Ran, our_tool, their_tool};
use harness::{Instance, Program, encode, files, has_oracle, temporary_directory};

const AOF: &str = "redis-check-aof";
const RDB: &str = "redis-check-rdb";

fn record(line: &str) -> Vec<u8> {
    encode(&line.split(' ').collect::<Vec<_>>())
}

fn records(lines: &[&str]) -> Vec<u8> {
    lines.iter().flat_map(|line| record(line)).collect()
}

/// What both tools print, without what only Redis can say: places in its source, bytes that its buffers happen to hold, and
/// the beginnings of log lines. Up to 7.0 it also names the RDB of a log without its directory.
fn comparable(ran: &Ran) -> String {
    let mut text = String::new();
    for line in ran.output.lines() {
        let line = line
            .split_once(" # ")
            .filter(|(before, _)| before.contains(":C "))
            .map_or(line, |(_, line)| line);
        let line = ["d/", "appendonlydir/"]
            .iter()
            .fold(line.to_owned(), |line, path| line.replace(&format!("RDB file {path}"), "RDB file "));
        if line.is_empty() {
            continue;
        }
        let place = "] Internal error in RDB reading offset ";
        let line = match (line.find(place), line.find(" -> ")) {
            (Some(start), Some(end)) => format!("{}{}", &line[..start + 2], &line[end + 4..]),
            _ => line.to_owned(),
        };
        let line = match line.find("got: 00") {
            Some(at) => format!("{}{}", &line[..at + 7], line.get(at + 9..).unwrap_or_default()),
            None => line,
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Runs both tools on copies of the same files and compares everything.
fn compare(tool: &str, files_in: &[(&str, &[u8])], arguments: &[&str], input: &str) -> Ran {
    let (ours_in, theirs_in) = (temporary_directory(), temporary_directory());
    for directory in [ours_in.path(), theirs_in.path()] {
        for (name, bytes) in files_in {
            let path = directory.join(name);
            if let Some(parent) = Path::new(name).parent().filter(|parent| !parent.as_os_str().is_empty()) {
                let parent = directory.join(parent);
                if !parent.exists() {
                    files::make_directory(&parent);
                }
            }
            files::write(&path, bytes);
        }
    }
    let ours = our_tool(tool, ours_in.path(), arguments, input);
    let theirs = their_tool(tool, theirs_in.path(), arguments, input);
    let about = format!("{tool} {arguments:?} with {input:?}");
    assert_eq!(ours.code, theirs.code, "{about}: {}", ours.output);
    if ours.output.contains("are not supported") {
        // A type that is not served is refused at once, and by its name.
        return ours;
    }
    assert_eq!(comparable(&ours), comparable(&theirs), "{about}");
    assert_eq!(
        files::contents(ours_in.path()).into_values().collect::<Vec<_>>(),
        files::contents(theirs_in.path()).into_values().collect::<Vec<_>>(),
        "{about}: files"
    );
    ours
}

/// A small RDB that every version of the tool reads.
fn rdb() -> Vec<u8> {
    let mut bytes = b"REDIS0010".to_vec();
    bytes.extend(b"\xfa\x09redis-ver\x067.0.15\xfa\x08aof-base\xc0\x01");
    bytes.extend(b"\xfe\x00\xfb\x03\x01");
    bytes.extend(b"\x00\x05key:1\x05value");
    bytes.extend(b"\xfc\xff\xff\xff\xff\xff\x00\x00\x00\x00\x05key:2\xc1\x34\x12");
    bytes.extend(b"\x00\x05key:3\x0bhello world");
    bytes.push(0xff);
    // A checksum of zero is none.
    bytes.extend([0; 8]);
    bytes
}

#[test]
fn arguments_are_taken_alike() {
    if !has_oracle() {
        return;
    }
    let ok = records(&["SELECT 0", "SET a b"]);
    let with = [("ok.aof", &ok[..]), ("--fix", &ok[..])];
    for arguments in [
        &[][..],
        &["ok.aof"],
        &["nofile"],
        &["--fix"],
        &["--fix", "ok.aof"],
        &["--fix", "nofile"],
        &["--nonesuch", "ok.aof"],
        &["ok.aof", "ok.aof"],
        &["--truncate-to-timestamp", "abc", "ok.aof"],
        &["--truncate-to-timestamp", "12x", "ok.aof"],
        &["--truncate-to-timestamp", "99999999999999999999", "ok.aof"],
        &["--truncate-to-timestamp", "", "ok.aof"],
        &["--truncate-to-timestamp", "0", "ok.aof"],
        &["--truncate-to-timestamp", "-5", "ok.aof"],
        &["--truncate-to-timestamp", " 5", "ok.aof"],
        &["--truncate-to-timestamp", "5"],
        &["--truncate-to-timestamp", "5", "ok.aof", "ok.aof"],
        &["a", "b", "c", "d", "e"],
    ] {
        compare(AOF, &with, arguments, "");
    }
    let dump = rdb();
    for arguments in [&[][..], &["dump.rdb"], &["nofile"], &["dump.rdb", "dump.rdb"], &["--nonesuch"]] {
        compare(RDB, &[("dump.rdb", &dump)], arguments, "");
    }
}

#[test]
fn single_files_cut_and_flipped_everywhere() {
    if !has_oracle() {
        return;
    }
    let whole = records(&["SELECT 0", "SET key value", "MULTI", "SET k v", "EXEC"]);
    for at in 0..whole.len() {
        compare(AOF, &[("a.aof", &whole[..at])], &["a.aof"], "");
        let mut flipped = whole.clone();
        flipped[at] ^= 3;
        compare(AOF, &[("a.aof", &flipped)], &["--fix", "a.aof"], "y\n");
    }
}

#[test]
fn old_files_that_begin_with_an_rdb() {
    if !has_oracle() {
        return;
    }
    let tail = records(&["SELECT 0", "SET key value"]);
    let whole = [rdb(), tail.clone()].concat();
    compare(AOF, &[("a.aof", &whole)], &["a.aof"], "");
    compare(AOF, &[("a.aof", &rdb())], &["a.aof"], "");
    for cut in (8..whole.len()).step_by(3) {
        compare(AOF, &[("a.aof", &whole[..cut])], &["--fix", "a.aof"], "y\n");
    }
    let mut damaged = whole;
    let at = damaged.len() - tail.len() - 20;
    damaged[at] = 0xee;
    compare(AOF, &[("a.aof", &damaged)], &["a.aof"], "");
}

#[test]
fn a_question_is_answered_by_y_alone() {
    if !has_oracle() {
        return;
    }
    let torn = [records(&["SET a b"]), b"*3\r\n$3\r\nSE".to_vec()].concat();
    for input in ["y\n", "Y\n", "yes\n", "n\n", "\n", "", "no y\n", " y\n"] {
        compare(AOF, &[("a.aof", &torn)], &["--fix", "a.aof"], input);
    }
}

const BASE: &str = "file a.aof.1.base.rdb seq 1 type b\n";
const INCREMENT_1: &str = "file a.aof.1.incr.aof seq 1 type i\n";
const INCREMENT_2: &str = "file a.aof.2.incr.aof seq 2 type i\n";

fn log<'a>(
    manifest: &'a [u8],
    base: &'a [u8],
    first: &'a [u8],
    second: &'a [u8],
) -> [(&'static str, &'a [u8]); 4] {
    [
        ("d/a.aof.manifest", manifest),
        ("d/a.aof.1.base.rdb", base),
        ("d/a.aof.1.incr.aof", first),
        ("d/a.aof.2.incr.aof", second),
    ]
}

#[test]
fn manifests_with_their_files() {
    if !has_oracle() {
        return;
    }
    let all = [BASE, INCREMENT_1, INCREMENT_2].concat();
    let (base, good) = (rdb(), records(&["SELECT 0", "SET a b"]));
    let torn = [good.as_slice(), b"*2\r\n$3\r\nDE"].concat();
    let timed = [b"#TS:100\r\n".as_slice(), &good, b"#TS:200\r\n", &good].concat();
    let commands = records(&["SET base 1"]);
    let damaged_base = &base[..base.len() - 12];
    for (base, first, second) in [
        (&base[..], &good[..], &good[..]),
        (&base, &good, &torn),
        (&base, &torn, &good),
        (&base, &[], &[]),
        (&base, &good, b"garbage"),
        (&commands, &good, &good),
        (damaged_base, &good, &good),
        (&base, &timed, &timed),
        (&base, &good, &timed),
    ] {
        let files = log(all.as_bytes(), base, first, second);
        let path = "d/a.aof.manifest";
        compare(AOF, &files, &[path], "");
        compare(AOF, &files, &["--fix", path], "y\n");
        compare(AOF, &files, &["--fix", path], "n\n");
        for time in ["50", "150", "250"] {
            compare(AOF, &files, &["--truncate-to-timestamp", time, path], "");
        }
    }
    // A listed file is missing.
    let files = log(all.as_bytes(), &base, &good, &good);
    compare(AOF, &files[..3], &["d/a.aof.manifest"], "");
}

#[test]
fn manifests_with_every_defect() {
    if !has_oracle() {
        return;
    }
    let (base, good) = (rdb(), records(&["SET a b"]));
    let long = format!("{BASE}file {} seq 1 type i\n", "x".repeat(1100));
    for manifest in [
        format!("{BASE}file a.aof.1.incr.aof seq 1\n"),
        format!("{BASE}file a.aof.1.incr.aof seq 0 type i\n"),
        format!("{BASE}file a.aof.1.incr.aof seq x type i\n"),
        format!("{BASE}name a.aof.1.incr.aof seq 1 type i\n"),
        format!("{BASE}file \"a.aof.1.incr.aof seq 1 type i\n"),
        format!("{BASE}\n{INCREMENT_1}"),
        "filegarbage\n".to_owned(),
        format!("{BASE}file ../a.aof.1.incr.aof seq 1 type i\n"),
        format!("{BASE}{BASE}{INCREMENT_1}"),
        format!("{BASE}{INCREMENT_1}{INCREMENT_1}"),
        format!("{BASE}{INCREMENT_2}{INCREMENT_1}"),
        format!("{BASE}file a.aof.1.incr.aof seq 1 type x\n"),
        long,
        format!("# a comment\n{BASE}# another\n{INCREMENT_1}"),
        format!("{BASE}TYPE i SEQ 1x file 'a.aof.1.incr.aof' more words\n"),
        format!("{BASE}{INCREMENT_1}file a.aof.2.incr.aof seq 2 type h\n"),
        INCREMENT_1.to_owned(),
        BASE.to_owned(),
    ] {
        let files = log(manifest.as_bytes(), &base, &good, &good);
        compare(AOF, &files, &["d/a.aof.manifest"], "");
    }
}

#[test]
fn snapshots_cut_and_flipped_everywhere() {
    if !has_oracle() {
        return;
    }
    let whole = rdb();
    compare(RDB, &[("dump.rdb", &whole)], &["dump.rdb"], "");
    for at in 0..whole.len() {
        compare(RDB, &[("dump.rdb", &whole[..at])], &["dump.rdb"], "");
    }
    for at in 0..whole.len() - 8 {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x40;
        // The version decides which types exist, and newer ones are judged differently on purpose.
        if (5..9).contains(&at) {
            continue;
        }
        compare(RDB, &[("dump.rdb", &flipped)], &["dump.rdb"], "");
    }
}

#[test]
fn the_files_of_a_real_server() {
    if !has_oracle() {
        return;
    }
    let directory = temporary_directory();
    let server = Instance::start(Program::Redis, directory.path(), &["--appendonly", "yes"]);
    let mut client = server.client();
    for number in 0..50 {
        assert_eq!(client.run(&format!("SET key:{number} value:{number}")), "OK");
    }
    assert_eq!(client.run("SAVE"), "OK");
    drop(client);
    server.kill();
    for (tool, path) in [(RDB, "dump.rdb"), (AOF, "appendonlydir/appendonly.aof.manifest")] {
        let ours = our_tool(tool, directory.path(), &[path], "");
        let theirs = their_tool(tool, directory.path(), &[path], "");
        assert_eq!(comparable(&ours), comparable(&theirs));
        assert_eq!((ours.code, theirs.code), (Some(0), Some(0)));
    }
}
