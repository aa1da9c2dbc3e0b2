//! What the log says when the process is about to die of our own fault.

use std::backtrace::Backtrace;

/// Sends panics to the log, with a stack trace, before the usual message on standard error.
pub(crate) fn log_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(&panic.to_string());
        usual(panic);
    }));
}

/// Writes a report with the caller's stack to the log.
pub(crate) fn report(reason: &str) {
    tracing::warn!("=== LASTSAVE BUG REPORT START: Cut & paste starting from here ===");
    tracing::warn!("{reason}");
    tracing::warn!("------ STACK TRACE ------");
    for line in Backtrace::force_capture().to_string().lines() {
        tracing::warn!("{line}");
    }
    tracing::warn!("=== LASTSAVE BUG REPORT END ===");
}
