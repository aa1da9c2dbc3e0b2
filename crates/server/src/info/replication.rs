//! INFO replication, of a master without replicas.

use super::line;
use crate::server::Server;

impl Server {
    pub(super) fn info_replication(&self, text: &mut String) {
        line(text, "role", "master");
        line(text, "connected_slaves", 0);
        line(text, "master_failover_state", "no-failover");
        line(text, "master_replid", &self.identity.replication_id);
        line(text, "master_replid2", "0".repeat(40));
        line(text, "master_repl_offset", 0);
        line(text, "second_repl_offset", -1);
        line(text, "repl_backlog_active", 0);
        line(text, "repl_backlog_size", self.config.repl_backlog_size);
        line(text, "repl_backlog_first_byte_offset", 0);
        line(text, "repl_backlog_histlen", 0);
    }
}
