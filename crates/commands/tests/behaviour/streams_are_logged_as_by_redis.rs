//! What random commands on streams leave in the log, and what a rewrite makes of the data: the same commands as in the
//! files of Redis, times of delivery excepted.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lastsave_commands::rewrite_commands;
use lastsave_resp::{Batch, Limits, Parser, Reply};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::executor::Executor;
use crate::oracle::Oracle;
use crate::streams_are_those_of_redis::{StreamCommands, configure, now_ms};

type Words = Vec<Vec<u8>>;

const COMMANDS: usize = 1500;

/// The same without when entries were delivered, and without the frame of transactions.
fn comparable(commands: impl IntoIterator<Item = Words>) -> Vec<String> {
    let mut shown = Vec::new();
    for mut command in commands {
        let name = command[0].to_ascii_lowercase();
        if [&b"select"[..], b"multi", b"exec"].contains(&&name[..]) {
            continue;
        }
        if let Some(time) = command.iter().position(|word| word == b"TIME").filter(|_| name == b"xclaim") {
            command[time + 1] = b"some time".to_vec();
        }
        let words: Vec<String> = command.iter().map(|word| word.escape_ascii().to_string()).collect();
        shown.push(words.join(" "));
    }
    shown
}

fn parse_file(bytes: &[u8]) -> Vec<Words> {
    let mut batch = Batch::new();
    let status = Parser::new().parse(bytes, &Limits::default(), &mut batch, usize::MAX);
    let commands = (0..batch.len()).map(|index| batch.request(index, bytes));
    let commands: Vec<Words> = commands.map(|request| request.args().map(<[u8]>::to_vec).collect()).collect();
    let frames: usize = (0..batch.len()).map(|index| batch.request(index, bytes).frame().len()).sum();
    assert_eq!(frames, bytes.len(), "the whole file is commands: {status:?}");
    commands
}

/// The oracle's log file with this suffix.
#[expect(clippy::disallowed_methods, reason = "the files are those of another program")]
fn log_file(oracle: &mut Oracle, suffix: &str) -> Vec<u8> {
    let Reply::Array(pair) = oracle.run_decoded(&[b"CONFIG", b"GET", b"dir"]) else { panic!("a pair") };
    let Some(Reply::Bulk(directory)) = pair.get(1) else { panic!("a directory") };
    let directory = PathBuf::from(String::from_utf8_lossy(directory).into_owned()).join("appendonlydir");
    let files = std::fs::read_dir(directory).expect("the directory of the log");
    let newest = files
        .map(|file| file.expect("an entry of the directory").path())
        .filter(|path| path.to_string_lossy().ends_with(suffix))
        .max()
        .expect("a file of the log");
    std::fs::read(newest).expect("the file can be read")
}

fn wait_for_rewrite(oracle: &mut Oracle) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let info = String::from_utf8_lossy(&oracle.run(&[b"INFO", b"persistence"])).into_owned();
        if info.contains("aof_rewrite_in_progress:0") && info.contains("aof_rewrite_scheduled:0") {
            return;
        }
        assert!(Instant::now() < deadline, "the rewrite takes too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn by_key(commands: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for command in commands {
        let mut words = command.split(' ');
        let key = if command.starts_with("XGROUP") { words.nth(2) } else { words.nth(1) };
        keys.entry(key.unwrap_or_default().to_owned()).or_default().push(command.clone());
    }
    keys
}

#[test]
fn entries_deleted_while_they_are_pending_outlive_a_rewrite() {
    let mut before = Executor::new();
    for line in [
        "XADD s 1-0 a b",
        "XADD s 2-0 a b",
        "XADD s 3-0 a b",
        "XGROUP CREATE s g 0",
        "XGROUP CREATE s other 1-0",
        "XREADGROUP GROUP g alice COUNT 2 STREAMS s >",
        "XREADGROUP GROUP other bob STREAMS s >",
        "XDEL s 2-0",
        "XTRIM s MAXLEN 1",
        "XADD t 5-0 a b",
        "XGROUP CREATE t g 0",
        "XREADGROUP GROUP g alice STREAMS t >",
        "XTRIM t MAXLEN 0",
        "XADD u 1-0 a b",
        "XADD u 2-0 a b",
        "XGROUP CREATE u g 0",
        "XREADGROUP GROUP g alice STREAMS u >",
        "XTRIM u MAXLEN 1",
    ] {
        before.run_text(line);
    }
    let mut after = Executor::new();
    for entry in before.keyspace.db(0).iter() {
        let mut out = |args: &[&[u8]]| {
            after.run(args);
            Ok::<(), ()>(())
        };
        rewrite_commands(&entry, &mut out).expect("nothing can fail");
    }
    for line in [
        "XPENDING s g",
        "XPENDING s other",
        "XPENDING t g",
        "XRANGE s - +",
        "XLEN t",
        "XINFO GROUPS s",
        "XINFO STREAM s",
        "XINFO STREAM t",
        "XPENDING u g",
        "XINFO STREAM u",
    ] {
        let (before, after) = (before.run_text(line).reply, after.run_text(line).reply);
        assert_eq!(before.escape_ascii().to_string(), after.escape_ascii().to_string(), "{line}");
    }
}

#[test]
fn effects_and_rewrites_are_those_in_the_files_of_redis() {
    let Some(mut oracle) = Oracle::start() else { return };
    for seed in 1..=2 {
        let mut executor = Executor::new();
        configure(&mut oracle, &mut executor, seed);
        oracle.run(&[b"FLUSHALL"]);
        for (name, value) in
            [("aof-use-rdb-preamble", "no"), ("appendfsync", "always"), ("appendonly", "yes")]
        {
            let set = oracle.run(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()]);
            assert_eq!(set, b"+OK\r\n", "{name}");
        }
        wait_for_rewrite(&mut oracle);
        let mut ours: Vec<Words> = Vec::new();
        let mut generator = StreamCommands::new(SmallRng::seed_from_u64(seed));
        let commands = std::iter::from_fn(|| Some(generator.commands_with_setup())).flatten();
        for command in commands.filter(|command| command[0] != b"DUMP").take(COMMANDS) {
            let args: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
            oracle.run(&args);
            executor.now_ms = now_ms();
            let effects = executor.run(&args).effects;
            ours.extend(effects.into_iter().map(|effect| effect.args));
        }
        let (ours, theirs) = (comparable(ours), comparable(parse_file(&log_file(&mut oracle, ".incr.aof"))));
        for (index, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_eq!(ours, theirs, "seed {seed}, record {index}");
        }
        assert_eq!(ours.len(), theirs.len());
        assert!(ours.len() > COMMANDS / 4, "{} records", ours.len());

        oracle.run(&[b"BGREWRITEAOF"]);
        wait_for_rewrite(&mut oracle);
        let mut ours = Vec::new();
        for entry in executor.keyspace.db(0).iter() {
            let mut out = |args: &[&[u8]]| {
                ours.push(args.iter().map(|word| word.to_vec()).collect::<Words>());
                Ok::<(), ()>(())
            };
            rewrite_commands(&entry, &mut out).expect("nothing can fail");
        }
        let theirs = comparable(parse_file(&log_file(&mut oracle, ".base.aof")));
        let (mut ours, mut theirs) = (by_key(&comparable(ours)), by_key(&theirs));
        // What Redis forgets: entries that were deleted while they were pending.
        ours.retain(|key, commands| {
            let is_alike =
                !commands.iter().any(|command| command.starts_with("XDEL") || command.starts_with("XTRIM"));
            if !is_alike {
                theirs.remove(key);
            }
            is_alike
        });
        assert!(!ours.is_empty(), "seed {seed}: some streams are without such entries");
        assert_eq!(ours, theirs, "seed {seed}: the rewrite");
        assert_eq!(oracle.run(&[b"CONFIG", b"SET", b"appendonly", b"no"]), b"+OK\r\n");
    }
}
