//! `cargo xtask`: the only entry point for developers. `cargo xtask --help` lists the commands.
//!
//! One module per command. Commands are built from the same parts, so what `ci` runs is what a developer runs by hand.

mod bench;
mod ci;
mod crash;
mod deny;
mod differ;
mod fuzz;
mod loom;
mod oracle;
mod sanitize;
mod shell;
mod test_run;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Developer tasks of Lastsave")]
struct CommandLine {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must pass before a change is accepted, as the continuous integration runs it.
    Ci(ci::Arguments),
    /// All tests: unit, integration and documentation tests, examples and one round of every bench.
    Test(test_run::Arguments),
    /// The repository's own rules: crate graph, file headers, banned words, documents, packaging.
    Tidy,
    /// Licences, banned crates and sources of the dependencies.
    Deny,
    /// The fuzz targets, or one of them.
    Fuzz(fuzz::Arguments),
    /// The keyspace's tests under AddressSanitizer and ThreadSanitizer.
    Sanitize(sanitize::Arguments),
    /// The model-checked tests.
    Loom,
    /// The crash campaign on the simulated disk.
    Crash(crash::Arguments),
    /// Random commands here and on redis-server at once: replies, data, files.
    Differ(differ::Arguments),
    /// What the ways of keeping writes cost and lose, and other measurements, ours and other servers in turn.
    Bench(Box<bench::Arguments>),
}

fn main() -> ExitCode {
    let outcome = match CommandLine::parse().task {
        Task::Ci(arguments) => ci::run(&arguments),
        Task::Test(arguments) => test_run::run(&arguments),
        Task::Tidy => tidy::run(),
        Task::Deny => deny::run(),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Sanitize(arguments) => sanitize::run(&arguments),
        Task::Loom => loom::run(),
        Task::Crash(arguments) => crash::run(&arguments),
        Task::Differ(arguments) => differ::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
