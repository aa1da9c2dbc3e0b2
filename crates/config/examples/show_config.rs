//! Reads a configuration as the server does and shows what it says:
//! `cargo run -p lastsave-config --example show_config -- redis.conf --port 7000`.

use lastsave_config::{CommandLine, Config, StorageHost, load, parse_command_line};

fn main() {
    let source = match parse_command_line(std::env::args_os().skip(1)) {
        CommandLine::Serve(source) => source,
        other => {
            eprintln!("nothing to show for {other:?}");
            return;
        }
    };
    let host = StorageHost::of_process().expect("the working directory is there");
    let loaded = match load(&source, &host) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprint!("{}", error.report("example"));
            std::process::exit(1);
        }
    };
    let defaults = Config::default().get(&["*"]);
    for (entry, default) in loaded.config.get(&["*"]).iter().zip(defaults) {
        if *entry != default {
            println!("{} {}", String::from_utf8_lossy(&entry.0), String::from_utf8_lossy(&entry.1));
        }
    }
}
