//! The log lines of a simulated server: kept for the report of a violation instead of being printed.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::sync::Once;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// Lines kept; older ones are forgotten.
const LINES_MAX: usize = 500;

static LINES: Mutex<VecDeque<String>> = Mutex::new(VecDeque::new());
static INSTALLED: Once = Once::new();

/// Collects the lines of this process from now on. One simulation at a time can make use of that.
pub(super) fn install() {
    INSTALLED.call_once(|| {
        // A subscriber that is there already keeps serving; reports then come without lines.
        let _already_installed =
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Collector));
    });
}

/// Forgets all lines.
pub(super) fn clear() {
    LINES.lock().clear();
}

/// Adds a line of the simulation itself.
pub(super) fn push(line: String) {
    let mut lines = LINES.lock();
    if lines.len() == LINES_MAX {
        lines.pop_front();
    }
    lines.push_back(line);
}

/// The last lines, oldest first.
pub(super) fn last(count: usize) -> Vec<String> {
    let lines = LINES.lock();
    lines.iter().skip(lines.len().saturating_sub(count)).cloned().collect()
}

#[derive(Debug)]
struct Collector;

impl<S: Subscriber> Layer<S> for Collector {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        if level > Level::INFO {
            return;
        }
        let mark = if level == Level::INFO { '*' } else { '#' };
        let mut line = Line(format!("{mark} "));
        event.record(&mut line);
        push(line.0);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _infallible = write!(self.0, "{value:?}");
        }
    }
}
