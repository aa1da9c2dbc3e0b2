//! Calls, time and failures per command.

use lastsave_commands::{CommandSpec, command_by_id};

use super::latency_histogram::LatencyHistogram;

/// What is counted for one command.
#[derive(Debug, Default)]
pub(crate) struct CommandCounters {
    /// Executions.
    pub(crate) calls: u64,
    /// Time spent executing.
    pub(crate) duration_ns: u64,
    /// Refusals before execution.
    pub(crate) rejected_calls: u64,
    /// Executions that answered an error.
    pub(crate) failed_calls: u64,
    /// Durations, unless `latency-tracking` is off.
    pub(crate) latency: LatencyHistogram,
}

/// Counters by command; the index is the command's id.
#[derive(Debug, Default)]
pub(crate) struct CommandStats {
    counters: Vec<CommandCounters>,
}

impl CommandStats {
    /// The counters of a command.
    #[inline]
    pub(crate) fn of(&mut self, spec: &CommandSpec) -> &mut CommandCounters {
        let index = usize::from(spec.id);
        if index >= self.counters.len() {
            self.counters.resize_with(index + 1, CommandCounters::default);
        }
        &mut self.counters[index]
    }

    /// Counts one execution.
    #[inline]
    pub(crate) fn count_call(
        &mut self,
        spec: &CommandSpec,
        duration_ns: u64,
        failed: bool,
        track_latency: bool,
    ) {
        let counters = self.of(spec);
        counters.calls += 1;
        counters.duration_ns += duration_ns;
        counters.failed_calls += u64::from(failed);
        if track_latency {
            counters.latency.record(duration_ns);
        }
    }

    /// All commands that were ever called or refused, with their full names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &CommandCounters)> {
        self.counters.iter().enumerate().filter_map(|(id, counters)| {
            if counters.calls == 0 && counters.rejected_calls == 0 {
                return None;
            }
            let spec = command_by_id(u16::try_from(id).ok()?)?;
            Some((spec.full_name, counters))
        })
    }

    /// Microseconds spent in commands.
    pub(crate) fn duration_us(&self) -> u64 {
        self.counters.iter().map(|counters| counters.duration_ns).sum::<u64>() / 1000
    }
}
