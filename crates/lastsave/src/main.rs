//! `lastsave-server`: the server's program, and that of the tools, which are the same file under other names. Everything it
//! does lives in the crates `lastsave-server` and `lastsave-tools`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: lastsave_allocator::Allocator = lastsave_allocator::Allocator;

fn main() -> ExitCode {
    lastsave_allocator::start();
    let arguments: Vec<_> = std::env::args_os().collect();
    // A snapshot copies what is changed meanwhile; commands are not to wait for the memory.
    let hooks = lastsave_server::Hooks { snapshot_under_way: lastsave_allocator::avoid_long_faults };
    let code = lastsave_tools::run(&arguments, lastsave_server::REDIS_VERSION)
        .unwrap_or_else(|| lastsave_server::run(arguments, hooks));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
