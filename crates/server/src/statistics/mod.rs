//! Counters that INFO shows and CONFIG RESETSTAT clears.

mod command_stats;
mod error_stats;
mod latency_events;
mod latency_graph;
mod latency_histogram;
mod rate;
mod slow_log;

pub(crate) use command_stats::CommandStats;
pub(crate) use error_stats::ErrorStats;
pub(crate) use latency_events::{LatencyEvents, Series};
pub(crate) use latency_graph::draw as draw_latency_graph;
pub(crate) use latency_histogram::LatencyHistogram;
pub(crate) use rate::Rate;
pub(crate) use slow_log::{SlowCommand, SlowLog, shorten};

use lastsave_resp::ReplyBuffer;

/// Everything counted by the server itself; the data commands count in their own statistics.
#[derive(Debug, Default)]
pub(crate) struct Statistics {
    /// Connections accepted.
    pub(crate) connections_received: u64,
    /// Connections turned away because of `maxclients`.
    pub(crate) connections_rejected: u64,
    /// Commands executed.
    pub(crate) commands_processed: u64,
    /// Bytes read from clients.
    pub(crate) net_input_bytes: u64,
    /// Bytes written to clients.
    pub(crate) net_output_bytes: u64,
    /// Read events that were served.
    pub(crate) reads_processed: u64,
    /// Write calls that were made for clients.
    pub(crate) writes_processed: u64,
    /// Clients closed because their query buffer went over its limit.
    pub(crate) query_buffer_limit_disconnections: u64,
    /// Clients closed because their output buffer went over its limit.
    pub(crate) output_buffer_limit_disconnections: u64,
    /// Commands refused for a wrong password.
    pub(crate) denied_auth: u64,
    /// Error replies sent.
    pub(crate) error_replies: u64,
    /// Turns of the event loop.
    pub(crate) loop_turns: u64,
    /// Time spent in turns, waiting not counted.
    pub(crate) loop_busy_us: u64,
    /// Part of it spent handing batches to the log.
    pub(crate) loop_log_us: u64,
    /// Part of it spent in periodic work.
    pub(crate) loop_cron_us: u64,
    /// Most commands executed in one turn.
    pub(crate) loop_commands_max: u64,
    commands_before_turn: u64,
    /// Longest turn, waiting not counted.
    pub(crate) loop_busy_us_max: u64,
    /// Time spent in the active expire cycle.
    pub(crate) expire_cycle_us: u64,
    /// Clients closed because of `maxmemory-clients`.
    pub(crate) evicted_clients: u64,
    /// Keys that were freed in the background before the statistics were reset.
    pub(crate) lazyfreed_keys_before: u64,
    /// Most memory ever used.
    pub(crate) peak_memory_bytes: u64,
    /// Error replies by code.
    pub(crate) errors: ErrorStats,
    /// Calls and time by command.
    pub(crate) commands: CommandStats,
    /// Commands per second.
    pub(crate) operations_rate: Rate,
    /// Bytes read per second.
    pub(crate) input_rate: Rate,
    /// Bytes written per second.
    pub(crate) output_rate: Rate,
    /// Loop turns per second.
    pub(crate) turn_rate: Rate,
}

impl Statistics {
    /// Takes one sample of every rate. Called about ten times a second.
    pub(crate) fn sample_rates(&mut self, monotonic_ms: u64) {
        self.operations_rate.sample(monotonic_ms, self.commands_processed);
        self.input_rate.sample(monotonic_ms, self.net_input_bytes);
        self.output_rate.sample(monotonic_ms, self.net_output_bytes);
        self.turn_rate.sample(monotonic_ms, self.loop_turns);
    }

    /// Counts the error replies in `reply` beyond the `counted` ones; false when there are none.
    pub(crate) fn note_errors(&mut self, reply: &ReplyBuffer, counted: &mut u64) -> bool {
        let count = reply.errors() - std::mem::replace(counted, reply.errors());
        if count == 0 {
            return false;
        }
        self.error_replies += count;
        self.errors.count(&String::from_utf8_lossy(reply.last_error_code()));
        true
    }

    /// Notes the end of a turn that was busy for `busy_us`.
    pub(crate) fn note_turn(&mut self, busy_us: u64) {
        self.loop_turns += 1;
        let commands = self.commands_processed.saturating_sub(self.commands_before_turn);
        self.commands_before_turn = self.commands_processed;
        self.loop_commands_max = self.loop_commands_max.max(commands);
        self.loop_busy_us += busy_us;
        self.loop_busy_us_max = self.loop_busy_us_max.max(busy_us);
    }

    /// Average busy time of a turn in microseconds.
    pub(crate) fn average_turn_us(&self) -> u64 {
        self.loop_busy_us.checked_div(self.loop_turns).unwrap_or(0)
    }

    /// Zeroes everything (CONFIG RESETSTAT).
    pub(crate) fn reset(&mut self) {
        let peak_memory_bytes = self.peak_memory_bytes;
        *self = Self { peak_memory_bytes, ..Self::default() };
    }
}
