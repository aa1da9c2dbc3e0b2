//! How long a server takes from its start to its first answer, with everything to load: from a snapshot, from a log that a
//! rewrite left, and from a log of commands. And how long writing the snapshot takes when nothing else goes on.

use std::time::Instant;

use anyhow::{Result, bail};

use super::{Context, Policy};
use crate::bench::client::Client;
use crate::bench::contestant::Contestant;
use crate::bench::load::{Commands, Content};
use crate::bench::page::{BarChart, Chart};
use crate::bench::process;
use crate::bench::progress::Progress;
use crate::bench::results::Better::Lower;
use crate::bench::results::{Measurements, Metric, Outcome};
use crate::bench::server::Server;

const METRICS: &[Metric] = &[
    Metric::new("save_seconds", "SAVE s", Lower, 2),
    Metric::new("restart_seconds", "restart s", Lower, 2),
    Metric::new("restart_cpu_seconds", "CPU s", Lower, 2),
];

/// What the restart reads.
#[derive(Clone, Copy)]
enum Source {
    Snapshot,
    Commands,
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "RDB",
            Self::Commands => "AOF",
        }
    }
}

pub(super) fn run(context: &Context<'_>) -> Result<Outcome> {
    let arguments = context.arguments;
    let keys = arguments.keys(200_000, 3_000_000);
    let contents = arguments.contents();
    let mut table = Measurements::new("load", METRICS);
    let sources = [Source::Snapshot, Source::Commands];
    let steps = arguments.rounds() * sources.len() * contents.len() * context.contestants.len();
    let progress = Progress::new(steps);
    for round in 0..arguments.rounds() {
        for source in sources {
            for content in &contents {
                for contestant in context.in_turn(round) {
                    progress.step(&format!(
                        "round {}: {}, {}, {}",
                        round + 1,
                        source.name(),
                        content.name(),
                        contestant.name
                    ));
                    let values = measure(context, contestant, source, *content, keys)?;
                    table.record(
                        &[("source", source.name()), ("values", content.name())],
                        &contestant.name,
                        values,
                    );
                }
            }
        }
    }
    drop(progress);
    let chart = BarChart::of_medians(
        "Restart",
        "seconds until the first answer, less is better",
        &context.names(),
        &table.medians("restart_seconds"),
    );
    Ok(Outcome {
        title: "Restart".to_owned(),
        notes: vec![format!(
            "{keys} keys of 16 B, values of {} B. RDB: a snapshot written by SAVE. AOF: every key set by a command of the log, \
             as it is without a rewrite. The files are in the page cache. From the start of the process to its first PONG.",
            arguments.value_bytes
        )],
        tables: vec![table],
        charts: vec![Chart::Bars(chart)],
    })
}

fn measure(
    context: &Context<'_>,
    contestant: &Contestant,
    source: Source,
    content: Content,
    keys: u64,
) -> Result<[Option<f64>; 3]> {
    let policy = match source {
        Source::Snapshot => Policy::Off,
        Source::Commands => Policy::Everysec,
    };
    let mut server = Server::start(contestant, policy.options(), &context.directory)?;
    let mut client = Client::connect(server.address())?;
    client.fill(keys, &mut Commands::new(1, content, context.arguments.value_bytes))?;
    let save = match source {
        Source::Snapshot => {
            let started = Instant::now();
            let answer = client.command(&["SAVE"])?;
            if answer != "+OK" {
                bail!("SAVE was answered {answer}");
            }
            Some(started.elapsed().as_secs_f64())
        }
        Source::Commands => None,
    };
    drop(client);
    server.kill()?;
    let took = server.restart()?;
    let cpu = process::cpu_time(server.process_id())?;
    let size = Client::connect(server.address())?.command(&["DBSIZE"])?;
    if size != format!(":{keys}") {
        bail!("{} has not {keys} keys after its restart: DBSIZE answered {size}", contestant.name);
    }
    Ok([save, Some(took.as_secs_f64()), Some(cpu.as_secs_f64())])
}
