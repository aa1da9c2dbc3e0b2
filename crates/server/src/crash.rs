//! What the log says when the process is about to die of our own fault, or is killed for a core file.

use std::backtrace::Backtrace;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::system_files;

/// `crash-log-enabled`.
static ENABLED: AtomicBool = AtomicBool::new(true);

/// Applies `crash-log-enabled`.
pub(crate) fn set_enabled(enabled: bool) {
    ENABLED.store(enabled, Ordering::Relaxed);
}

/// Sends panics to the log, with a stack trace, before the usual message on standard error.
pub(crate) fn log_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(&panic.to_string());
        usual(panic);
    }));
}

/// Writes a report with the caller's stack to the log, unless that is switched off.
pub(crate) fn report(reason: &str) {
    if !ENABLED.load(Ordering::Relaxed) {
        return;
    }
    tracing::warn!("=== LASTSAVE BUG REPORT START: Cut & paste starting from here ===");
    tracing::warn!("{reason}");
    tracing::warn!("------ STACK TRACE ------");
    for line in Backtrace::force_capture().to_string().lines() {
        tracing::warn!("{line}");
    }
    tracing::warn!("------ THREADS ------");
    for line in system_files::thread_lines() {
        tracing::warn!("{line}");
    }
    tracing::warn!("=== LASTSAVE BUG REPORT END ===");
}

/// Reports SIGABRT, which somebody sends to a process that should leave a core file (a service manager's watchdog does),
/// and lets it have its effect. The core file holds the stacks of all threads; the report's is that of the reporter.
pub(crate) fn die_of_abort_signal() -> ! {
    report(&format!("Lastsave {} crashed by signal: 6 (SIGABRT)", env!("CARGO_PKG_VERSION")));
    std::process::abort();
}
