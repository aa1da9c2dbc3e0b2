//! `cargo xtask differ`: random commands here and on redis-server, for as long as wanted.
//!
//! The test it runs is part of `cargo xtask test` as well, where it takes a few seconds.

use anyhow::Result;
use clap::Args;

use crate::oracle;
use crate::shell::Tool;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Replay this one stream.
    #[arg(long, conflicts_with_all = ["seconds", "from"])]
    seed: Option<u64>,
    /// The first stream.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Go on for this many seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Commands in a stream.
    #[arg(long, default_value_t = 500)]
    commands: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    for gap in &oracle::prepare().not_run {
        println!("{gap}");
    }
    let mut tool = Tool::cargo()
        .args(["test", "--package", "lastsave", "--test", "the_same_as_redis", "random", "--", "--nocapture"])
        .env("LASTSAVE_DIFFER_COMMANDS", arguments.commands.to_string());
    tool = match arguments.seed {
        Some(seed) => tool.env("LASTSAVE_DIFFER_SEED", seed.to_string()),
        None => tool
            .env("LASTSAVE_DIFFER_FROM", arguments.from.to_string())
            .env("LASTSAVE_DIFFER_SECONDS", arguments.seconds.to_string()),
    };
    tool.run()
}
