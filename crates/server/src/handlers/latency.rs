//! LATENCY.

use std::fmt::Write as _;

use lastsave_commands::{CommandSpec, ServerCommand, lookup_full};
use lastsave_resp::{Aggregate, ReplyBuffer, Request};

use crate::client::Client;
use crate::server::Server;
use crate::statistics::{LatencyHistogram, Series, draw_latency_graph};

impl Server {
    /// Executes a subcommand of LATENCY.
    pub(super) fn latency(&mut self, client: &mut Client, command: ServerCommand, request: Request<'_>) {
        use ServerCommand as Command;
        match command {
            Command::LatencyDoctor => client.reply.verbatim("txt", self.latency_report().as_bytes()),
            Command::LatencyGraph => self.latency_graph(client, request.arg(2)),
            Command::LatencyHistogram => self.latency_histogram(client, request),
            Command::LatencyHistory => self.latency_history(client, request.arg(2)),
            Command::LatencyLatest => self.latency_latest(client),
            _ => self.latency_reset(client, request),
        }
    }

    fn latency_graph(&self, client: &mut Client, event: &[u8]) {
        match self.observation.latency.get(event) {
            Some((name, series)) => {
                let graph = draw_latency_graph(name, series, self.clock.now_seconds());
                client.reply.verbatim("txt", graph.as_bytes());
            }
            None => {
                let text = [b"ERR No samples available for event '", event, b"'"].concat();
                client.reply.error_bytes(&text);
            }
        }
    }

    fn latency_history(&self, client: &mut Client, event: &[u8]) {
        let Some((_, series)) = self.observation.latency.get(event) else { return client.reply.array(0) };
        client.reply.array(series.samples().len());
        for sample in series.samples() {
            client.reply.array(2);
            client.reply.integer(sample.unix_seconds);
            client.reply.integer(sample.latency_ms as i64);
        }
    }

    fn latency_latest(&self, client: &mut Client) {
        let events = self.observation.latency.iter();
        client.reply.array(events.len());
        for (name, series) in events {
            let last = series.last();
            client.reply.array(4);
            client.reply.bulk(name.as_bytes());
            client.reply.integer(last.map_or(0, |sample| sample.unix_seconds));
            client.reply.integer(last.map_or(0, |sample| sample.latency_ms as i64));
            client.reply.integer(series.latency_ms_max as i64);
        }
    }

    fn latency_reset(&mut self, client: &mut Client, request: Request<'_>) {
        let events = &mut self.observation.latency;
        let count = if request.len() == 2 {
            events.reset(None)
        } else {
            request.args().skip(2).map(|event| events.reset(Some(event))).sum()
        };
        client.reply.integer(count as i64);
    }

    fn latency_histogram(&mut self, client: &mut Client, request: Request<'_>) {
        let mark = client.reply.produced();
        let mut shown = 0;
        if request.len() == 2 {
            for (name, counters) in self.statistics.commands.iter() {
                shown += show_histogram(&mut client.reply, name, &counters.latency);
            }
        } else {
            let asked = request.args().skip(2).filter_map(lookup_full);
            for spec in asked.flat_map(|spec| std::iter::once(spec).chain(spec.subcommands)) {
                let spec: &CommandSpec = spec;
                let histogram = &self.statistics.commands.of(spec).latency;
                shown += show_histogram(&mut client.reply, spec.full_name, histogram);
            }
        }
        client.reply.insert_aggregate(mark, Aggregate::Map, shown);
    }

    /// What LATENCY DOCTOR tells: what was slow, and what to do about it.
    fn latency_report(&self) -> String {
        let events = self.observation.latency.iter();
        if events.len() == 0 {
            let threshold_ms = self.config.latency_monitor_threshold;
            return if threshold_ms == 0 {
                "Latency monitoring is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n".to_owned()
            } else {
                format!("Nothing has taken {threshold_ms} ms or longer since the last LATENCY RESET.\n")
            };
        }
        let now_seconds = self.clock.now_seconds();
        let mut report = "These took longer than they should:\n\n".to_owned();
        let mut advice = Vec::new();
        for (index, (name, series)) in events.enumerate() {
            describe(&mut report, index + 1, name, series, now_seconds);
            self.advise(name, &mut advice);
        }
        advice.dedup();
        report.push_str("\nWhat may help:\n\n");
        for line in advice {
            let _infallible = writeln!(report, "- {line}");
        }
        report
    }

    fn advise(&self, event: &str, advice: &mut Vec<&'static str>) {
        match event {
            "command" if self.config.slowlog_log_slower_than < 0 => {
                advice.push("Switch the slow log on (slowlog-log-slower-than): it names the commands that are slow.");
            }
            "command" => advice.push("SLOWLOG GET names the commands that were slow, with their arguments."),
            "fast-command" => advice.push(
                "Commands that take constant time were slow, so the process did not get its processor: look for other \
                 processes on this machine, for swapping, and for the limits of a virtual machine.",
            ),
            "expire-cycle" => advice.push(
                "Many keys expire at the same time: spread their times to live, or raise hz to remove them in smaller \
                 portions.",
            ),
            _ => advice.push("Look at the log and at INFO persistence around the times that LATENCY HISTORY shows."),
        }
    }
}

/// One line about an event.
fn describe(report: &mut String, number: usize, name: &str, series: &Series, now_seconds: i64) {
    let Some(summary) = series.summary(now_seconds) else { return };
    let _infallible = writeln!(
        report,
        "{number}. {name}: {} latency spikes ({} to {} ms, average {} ms, mean deviation {} ms, one in {:.2} seconds). \
         Worst all time event {} ms.",
        summary.samples,
        summary.latency_ms_min,
        summary.latency_ms_max,
        summary.latency_ms_mean,
        summary.deviation_ms,
        summary.period_seconds as f64 / summary.samples as f64,
        series.latency_ms_max,
    );
}

/// A command's distribution, if it was ever called; gives how many were shown.
fn show_histogram(reply: &mut ReplyBuffer, name: &str, histogram: &LatencyHistogram) -> usize {
    if histogram.is_empty() {
        return 0;
    }
    reply.bulk(name.as_bytes());
    reply.map(2);
    reply.bulk(b"calls");
    reply.integer(histogram.total() as i64);
    reply.bulk(b"histogram_usec");
    let steps = histogram.cumulative_us();
    reply.map(steps.len());
    for (end_us, count) in steps {
        reply.integer(end_us as i64);
        reply.integer(count as i64);
    }
    1
}
