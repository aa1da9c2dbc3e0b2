//! Runs commands given as arguments, or a few of its own, and shows what a server would reply and log.
//!
//! ```text
//! cargo run -p lastsave-commands --example command_line -- "SET k 5 EX 100" "INCR k" "TTL k"
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

use lastsave_commands::{
    BlockingTable, Context, DataOptions, DataStats, Dependency, Effect, Effects, FunctionLibraries, Signals,
    WatchTable, execute, resolve,
};
use lastsave_keyspace::{Keyspace, KeyspaceOptions};
use lastsave_resp::{OwnedRequest, Protocol, ReplyBuffer, split_arguments};
use rand::{SeedableRng, rngs::SmallRng};

fn main() {
    let mut lines: Vec<String> = std::env::args().skip(1).collect();
    if lines.is_empty() {
        lines = ["SET k 5 EX 100", "INCRBYFLOAT k 0.1", "TTL k", "GETEX k EXAT 1", "EXISTS k", "SET k"]
            .map(str::to_owned)
            .into();
    }
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis() as i64);
    let mut keyspace = Keyspace::new(&KeyspaceOptions::default());
    let (mut watches, mut signals, mut stats) = (WatchTable::new(), Signals::new(), DataStats::default());
    let mut functions = FunctionLibraries::new();
    let mut blocking = BlockingTable::new();
    let (options, mut random) = (DataOptions::default(), SmallRng::seed_from_u64(1));
    for line in lines {
        println!("> {line}");
        let words = match split_arguments(line.as_bytes()) {
            Ok(words) if !words.is_empty() => words,
            _ => continue,
        };
        let owned = OwnedRequest::from_args(&words.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let request = owned.as_request();
        let mut effects = Effects::new();
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        let mut depends = Dependency::Nothing;
        let mut context = Context {
            keyspace: &mut keyspace,
            functions: &mut functions,
            db: 0,
            now_ms,
            reply: &mut reply,
            effects: &mut effects,
            watches: &mut watches,
            blocking: &mut blocking,
            may_block: false,
            signals: &mut signals,
            client_id: 1,
            options: &options,
            stats: &mut stats,
            depends: &mut depends,
            random: &mut random,
            replay: false,
            no_touch: false,
        };
        match resolve(request) {
            Err(rejection) => context.reply.error_bytes(rejection.text()),
            Ok(spec) if execute(spec, &mut context, request) => {}
            Ok(spec) => println!("  ({} is the server's to execute)", spec.full_name),
        }
        println!("  {}", reply.to_vec().escape_ascii());
        for effect in effects.iter() {
            match effect {
                Effect::Verbatim { .. } => println!("  logged as it is"),
                Effect::Command { bytes, .. } => println!("  logged as {}", bytes.escape_ascii()),
            }
        }
    }
}
