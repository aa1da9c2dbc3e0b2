//! `cargo xtask bench`: what the ways of keeping writes cost and lose, and other scenarios, ours and other servers in turn
//! on the same machine in the same minutes.

mod arguments;
mod busy_disk;
mod client;
mod contestant;
mod info;
mod load;
mod page;
mod process;
mod progress;
mod results;
mod sampler;
mod scenarios;
mod server;
mod sync_watch;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub(crate) use arguments::Arguments;

use self::contestant::Contestant;
use self::results::{Document, Table};
use self::scenarios::{Context, Scenario};
use self::sync_watch::SyncWatcher;
use crate::shell::heading;
use crate::workspace;

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if arguments.scenario.iter().all(|scenario| *scenario == Scenario::Functions) {
        return scenarios::run_functions(arguments);
    }
    // Before an hour of measuring, not after it.
    let old = arguments.compare.as_deref().map(Document::read_json).transpose()?;
    let mut contestants = vec![Contestant::ours(arguments.server.as_deref())?];
    for program in &arguments.against {
        let other = Contestant::other(program, &contestants)?;
        contestants.push(other);
    }
    let directory =
        arguments.directory.clone().unwrap_or_else(|| workspace::target_directory().join("bench"));
    let directory = std::path::absolute(directory)?;
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    contestant::warn_about_memory_file_system(&directory);

    let mut document =
        Document { command: command(), about: contestant::machine(&directory), outcomes: Vec::new() };
    for contestant in &contestants {
        document.about.push((contestant.name.clone(), contestant.version()?));
    }
    let watcher = SyncWatcher::build(&directory)?;
    let context = Context { arguments, contestants: &contestants, directory: directory.clone(), watcher };
    for scenario in &arguments.scenario {
        let Some(outcome) = scenario.run(&context)? else { continue };
        outcome.print();
        document.outcomes.push(outcome);
    }
    document.about.push(("load average at the end".to_owned(), contestant::load_average()));
    let comparison = old.map(|old| {
        let yardstick = contestants.get(1).map(|contestant| contestant.name.as_str());
        let (table, same) = results::compare(&old, &document.tables(), yardstick);
        heading("compared with the earlier run");
        if arguments.rounds() == 1 {
            println!("One round does not tell what is noise; more (--rounds) do.");
        }
        if table.rows().is_empty() {
            println!("nothing differs by more than its rounds do ({same} values)");
        } else {
            println!("{table}\n{same} other values do not differ by more than their rounds do");
        }
        table
    });
    write(&document, comparison.as_ref(), arguments, &directory)
}

fn write(
    document: &Document,
    comparison: Option<&Table>,
    arguments: &Arguments,
    directory: &Path,
) -> Result<()> {
    let file = |wanted: &Option<PathBuf>, name: &str| wanted.clone().unwrap_or_else(|| directory.join(name));
    let (json, html) = (file(&arguments.json, "results.json"), file(&arguments.html, "results.html"));
    for (file, text) in
        [(&json, format!("{:#}\n", document.to_json())), (&html, page::html(document, comparison))]
    {
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
        println!("written: {}", file.display());
    }
    let Some(folder) = &arguments.pictures else { return Ok(()) };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for chart in document.outcomes.iter().flat_map(|outcome| &outcome.charts) {
        let file = folder.join(page::file_name(chart.title()));
        std::fs::write(&file, page::picture(chart))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!("written: pictures in {}", folder.display());
    Ok(())
}

/// The command line as a developer typed it.
fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo xtask {}", words.join(" "))
}
