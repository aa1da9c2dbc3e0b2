//! Random commands of every kind, on redis-server 7.0.15 and here at once: the same replies, the same data, payloads
//! that the other one restores, and the same data again after a save and after a replay of the log.
//!
//! `cargo xtask differ` runs it for longer. `LASTSAVE_DIFFER_SEED` replays one stream, `LASTSAVE_DIFFER_SECONDS` goes on for
//! that long (streams from `LASTSAVE_DIFFER_FROM` on), `LASTSAVE_DIFFER_COMMANDS` is the length of a stream.

mod differ;
mod harness;

use std::time::{Duration, Instant};

use differ::{Generator, Pair, Stream};
use harness::{has_oracle, temporary_directory};

/// Streams of a run without settings, and their length.
const SMOKE_STREAMS: u64 = 10;
const SMOKE_COMMANDS: usize = 500;

fn setting(name: &str) -> Option<u64> {
    std::env::var(format!("LASTSAVE_DIFFER_{name}")).ok()?.parse().ok()
}

#[test]
fn random_commands_of_every_kind() {
    if !has_oracle() {
        return;
    }
    let (ours, theirs) = (temporary_directory(), temporary_directory());
    let pair = Pair::start(ours.path(), theirs.path());
    let commands = setting("COMMANDS").map_or(SMOKE_COMMANDS, |commands| commands as usize);
    let seconds = setting("SECONDS").map(Duration::from_secs);
    let first = setting("SEED").or(setting("FROM")).unwrap_or(1);
    let started = Instant::now();
    let mut streams = 0;
    loop {
        let is_over = match (setting("SEED"), seconds) {
            (Some(_), _) => streams == 1,
            (None, Some(seconds)) => started.elapsed() >= seconds,
            (None, None) => streams == SMOKE_STREAMS,
        };
        if is_over {
            break;
        }
        if let Err(report) = Stream::new(&pair, first + streams).run(commands) {
            panic!("{report}");
        }
        streams += 1;
    }
    println!("{streams} streams of {commands} commands from seed {first} on, {:?}", started.elapsed());
}

#[test]
fn every_data_command_is_made() {
    let generator = Generator::new(0);
    let names: Vec<&str> = generator.names().collect();
    for name in ["set", "expire", "object|encoding", "copy", "lcs"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}
