//! Log lines in Redis' format, as a `tracing` layer.
//!
//! `PID:M DD Mon YYYY HH:MM:SS.mmm * text`. The mark is `.` for debug, `-` for verbose, `*` for notice and `#`
//! for warning; `tracing`'s TRACE, DEBUG, INFO and WARN/ERROR stand for these four. Every line is handed to the
//! kernel at once, so that whoever follows the log sees it when it happens. An event with the field `raw` is
//! printed without the prefix (the start-up logo).

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// Least important level that is printed, by Redis' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum LogLevel {
    /// Everything.
    Debug = 0,
    /// Much that is rarely useful.
    Verbose = 1,
    /// What an operator wants to know.
    Notice = 2,
    /// Only what is critical.
    Warning = 3,
    /// Nothing at all.
    Nothing = 4,
}

impl LogLevel {
    /// The level of that name, as `loglevel` spells it.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "debug" => Self::Debug,
            "verbose" => Self::Verbose,
            "notice" => Self::Notice,
            "warning" => Self::Warning,
            "nothing" => Self::Nothing,
            _ => return None,
        })
    }

    fn of(level: Level) -> Self {
        if level == Level::TRACE {
            Self::Debug
        } else if level == Level::DEBUG {
            Self::Verbose
        } else if level == Level::INFO {
            Self::Notice
        } else {
            Self::Warning
        }
    }

    fn mark(self) -> char {
        match self {
            Self::Debug => '.',
            Self::Verbose => '-',
            Self::Notice => '*',
            Self::Warning | Self::Nothing => '#',
        }
    }
}

static LEVEL: AtomicU8 = AtomicU8::new(LogLevel::Notice as u8);
static OUTPUT: Mutex<Output> = Mutex::new(Output { path: String::new() });

/// Where lines go: a file that is opened for every line, so that log rotation by rename works; empty = stdout.
#[derive(Debug)]
struct Output {
    path: String,
}

/// Installs the layer as the process' subscriber. A second call has no effect.
pub(crate) fn install() {
    let subscriber = tracing_subscriber::registry().with(RedisLog);
    // A subscriber that is already there (tests in one process) keeps serving.
    let _already_installed = tracing::subscriber::set_global_default(subscriber);
}

/// Sets the least important level that is printed.
pub(crate) fn set_level(level: LogLevel) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Sends lines to the file at `path`, or to stdout when it is empty.
///
/// # Errors
/// The text of the system error when the file cannot be opened for appending.
pub(crate) fn set_output(path: &str) -> Result<(), String> {
    if !path.is_empty() {
        open_log(path).map_err(|error| error.to_string())?;
    }
    path.clone_into(&mut OUTPUT.lock().path);
    Ok(())
}

/// Whether lines go to the standard output.
pub(crate) fn is_stdout() -> bool {
    OUTPUT.lock().path.is_empty()
}

fn open_log(path: &str) -> std::io::Result<std::fs::File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::CLOEXEC;
    Ok(std::fs::File::from(rustix::fs::open(path, flags, Mode::from_raw_mode(0o644))?))
}

/// The layer that prints events.
#[derive(Debug)]
struct RedisLog;

impl<S: Subscriber> Layer<S> for RedisLog {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_event() && LogLevel::of(*metadata.level()) as u8 >= LEVEL.load(Ordering::Relaxed)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let line = if text.raw {
            text.message
        } else {
            let level = LogLevel::of(*event.metadata().level());
            format!("{}:M {} {} {}\n", std::process::id(), timestamp(), level.mark(), text.message)
        };
        print(&line);
    }
}

fn print(line: &str) {
    let output = OUTPUT.lock();
    // There is nowhere to report that the log itself cannot be written.
    if output.path.is_empty() {
        let mut stdout = std::io::stdout().lock();
        let _unwritable = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush());
    } else if let Ok(mut file) = open_log(&output.path) {
        let _unwritable = file.write_all(line.as_bytes());
    }
}

/// The message of an event, and whether it is raw.
#[derive(Debug, Default)]
struct Text {
    message: String,
    raw: bool,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _infallible = write!(self.message, "{value:?}");
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "raw" {
            self.raw = value;
        }
    }
}

fn timestamp() -> String {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX);
    format_timestamp(seconds + crate::timezone::offset_seconds(seconds), elapsed.subsec_millis())
}

fn format_timestamp(seconds: i64, millis: u32) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let in_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (in_day / 3600, in_day / 60 % 60, in_day % 60);
    let name = MONTHS[month as usize - 1];
    format!("{day:02} {name} {year:04} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// Gregorian date of a day counted from 1970-01-01; month and day count from 1.
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_index + 2) / 5 + 1) as u32;
    let month = (if month_index < 10 { month_index + 3 } else { month_index - 9 }) as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{LogLevel, format_timestamp};

    #[test]
    fn timestamps_read_as_redis_prints_them() {
        assert_eq!(format_timestamp(0, 7), "01 Jan 1970 00:00:00.007");
        assert_eq!(format_timestamp(1_709_208_000, 0), "29 Feb 2024 12:00:00.000");
        assert_eq!(format_timestamp(1_735_689_599, 999), "31 Dec 2024 23:59:59.999");
    }

    #[test]
    fn levels_are_ordered_from_talkative_to_silent() {
        assert!(LogLevel::from_name("DEBUG") < LogLevel::from_name("verbose"));
        assert!(LogLevel::from_name("warning") < LogLevel::from_name("nothing"));
        assert_eq!(LogLevel::from_name("loud"), None);
    }
}
