//! A server in a few lines: `cargo run --example run_server -- --port 7000`.
//!
//! Takes the arguments of a Redis server and ends with its exit code.

fn main() {
    std::process::exit(lastsave_server::run(std::env::args_os(), lastsave_server::Hooks::default()));
}
