//! The first lines of the log.

use std::io::IsTerminal as _;

use lastsave_config::{Config, Loaded};

use crate::identity::{LASTSAVE_VERSION, REDIS_VERSION};
use crate::logging;

/// Announces the start, then the logo where it is wanted.
pub(crate) fn log_start(loaded: &Loaded) {
    let bits = usize::BITS;
    let pid = std::process::id();
    tracing::info!("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
    tracing::info!(
        "Redis version={REDIS_VERSION}, bits={bits}, commit=00000000, modified=0, pid={pid}, just started; \
         this is Lastsave version={LASTSAVE_VERSION}"
    );
    match &loaded.config_file {
        Some(_) => tracing::info!("Configuration loaded"),
        None => tracing::warn!(
            "Warning: no config file specified, using the default config. In order to specify a config file use {} \
             /path/to/redis.conf",
            std::env::args().next().unwrap_or_default()
        ),
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    log_logo(&loaded.config);
}

fn log_logo(config: &Config) {
    let to_terminal = logging::is_stdout() && std::io::stdout().is_terminal();
    if !to_terminal && !config.always_show_logo {
        tracing::info!("Running mode=standalone, port={}.", config.port);
        return;
    }
    let (bits, pid, port) = (usize::BITS, std::process::id(), config.port);
    let logo = format!(
        "\n\
         \x20    .--------.\n\
         \x20    | .----. |    Lastsave {LASTSAVE_VERSION} ({bits} bit)\n\
         \x20    | |    | |    compatible with Redis {REDIS_VERSION}\n\
         \x20    | '----' |\n\
         \x20    |  ____  |    Running in standalone mode\n\
         \x20    | |    | |    Port: {port}\n\
         \x20    | |  o | |    PID: {pid}\n\
         \x20    '-'----'-'\n\n"
    );
    tracing::info!(raw = true, "{logo}");
}
