//! INFO keyspace.

use super::line;
use crate::server::Server;

impl Server {
    pub(super) fn info_keyspace(&self, text: &mut String) {
        for index in 0..self.dataset.keyspace.databases() {
            let database = self.dataset.keyspace.db(index);
            if database.is_empty() {
                continue;
            }
            line(
                text,
                &format!("db{index}"),
                format_args!(
                    "keys={},expires={},avg_ttl={}",
                    database.len(),
                    database.expires_len(),
                    self.dataset.expire_cycle.average_ttl_ms(index)
                ),
            );
        }
    }
}
