//! INFO debug: only shown when asked for by name.

use super::line;
use crate::server::Server;

impl Server {
    pub(super) fn info_debug(&self, text: &mut String) {
        let own = &self.statistics;
        line(text, "eventloop_duration_aof_sum", own.loop_log_us);
        line(text, "eventloop_duration_cron_sum", own.loop_cron_us);
        line(text, "eventloop_duration_max", own.loop_busy_us_max);
        line(text, "eventloop_cmd_per_cycle_max", own.loop_commands_max);
    }
}
