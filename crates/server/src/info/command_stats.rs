//! INFO commandstats, errorstats and latencystats.

use super::line;
use crate::server::Server;

impl Server {
    pub(super) fn info_command_stats(&self, text: &mut String) {
        for (name, counters) in self.statistics.commands.iter() {
            let us = counters.duration_ns / 1000;
            let per_call = if counters.calls == 0 {
                0.0
            } else {
                counters.duration_ns as f64 / 1000.0 / counters.calls as f64
            };
            line(
                text,
                &format!("cmdstat_{name}"),
                format_args!(
                    "calls={},usec={us},usec_per_call={per_call:.2},rejected_calls={},failed_calls={}",
                    counters.calls, counters.rejected_calls, counters.failed_calls
                ),
            );
        }
    }

    pub(super) fn info_error_stats(&self, text: &mut String) {
        for (code, count) in self.statistics.errors.iter() {
            line(text, &format!("errorstat_{code}"), format_args!("count={count}"));
        }
    }

    pub(super) fn info_latency_stats(&self, text: &mut String) {
        for (name, counters) in self.statistics.commands.iter() {
            if counters.latency.is_empty() {
                continue;
            }
            let percentiles: Vec<String> = self
                .config
                .latency_tracking_info_percentiles
                .iter()
                .map(|percent| {
                    let us = counters.latency.percentile_ns(*percent) as f64 / 1000.0;
                    format!("p{percent}={us:.3}")
                })
                .collect();
            line(text, &format!("latency_percentiles_usec_{name}"), percentiles.join(","));
        }
    }
}
