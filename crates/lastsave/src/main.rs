//! `lastsave-server`: the server's program. Everything it does lives in `lastsave-server`, the crate.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let code = lastsave_server::run(std::env::args_os());
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
