//! The configuration a server starts with, and what operators change while it runs.

use std::ops::Range;

use lastsave_config::{Config, parse_text};
use lastsave_storage::sim::SimulatedRandom;

use super::model::DATABASES;
use super::promise::Source;
use crate::durability::Durability;

/// Values of `save`.
const SAVE_POINTS: [&str; 4] = ["", "1 1", "5 10", "60 30"];

/// A random configuration.
pub(super) fn configuration(random: &mut SimulatedRandom, source: Source, versions: Range<u64>) -> Config {
    let mut text = format!("databases {DATABASES}\n");
    let mut set = |name: &str, value: &str| text.push_str(&format!("{name} {value}\n"));
    set("appendonly", yes_or_no(source == Source::Log));
    set("appendfsync", policy(random));
    let points = save_points(random);
    set("save", if points.is_empty() { "\"\"" } else { points });
    set("aof-frames", yes_or_no(random.chance(7, 8)));
    set("aof-prepare", yes_or_no(random.chance(1, 2)));
    set("aof-use-rdb-preamble", yes_or_no(random.chance(3, 4)));
    set("aof-timestamp-enabled", yes_or_no(random.chance(1, 6)));
    set("aof-disable-auto-gc", yes_or_no(random.chance(1, 6)));
    set("rdbcompression", yes_or_no(random.chance(1, 2)));
    set("rdb-write-version", &random.pick(versions).to_string());
    set("stop-writes-on-bgsave-error", yes_or_no(random.chance(4, 5)));
    set("appendfsync-overload", if random.chance(1, 10) { "continue" } else { "slow-writers" });
    set("aof-load-corrupt-tail-max-size", if random.chance(1, 4) { "100000" } else { "0" });
    set("maxmemory-policy", "allkeys-random");
    // Small limits, so that collections change their encodings.
    for name in [
        "hash-max-listpack-entries",
        "set-max-intset-entries",
        "set-max-listpack-entries",
        "zset-max-listpack-entries",
        "list-max-listpack-size",
        "stream-node-max-entries",
    ] {
        if random.chance(1, 2) {
            set(name, &random.pick(1..12).to_string());
        }
    }
    if random.chance(1, 3) {
        set("auto-aof-rewrite-min-size", "2kb");
    }
    if random.chance(1, 3) {
        set("aof-retain-size", "20kb");
    }
    let (config, _) = parse_text(text.as_bytes()).expect("the simulation writes valid configurations");
    config
}

/// A value of `appendfsync`.
pub(super) fn policy(random: &mut SimulatedRandom) -> &'static str {
    ["always", "always", "everysec", "everysec", "no"][random.index(5)]
}

/// What a client asks of CLIENT DURABILITY.
pub(super) fn durability(random: &mut SimulatedRandom) -> Durability {
    [Durability::Always, Durability::EverySecond, Durability::Default][random.index(3)]
}

/// A value of `save`.
pub(super) fn save_points(random: &mut SimulatedRandom) -> &'static str {
    if random.chance(1, 2) { "" } else { SAVE_POINTS[random.index(SAVE_POINTS.len())] }
}

fn yes_or_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
