//! MONITOR.

use crate::client::Client;
use crate::server::Server;

impl Server {
    /// MONITOR. A client that monitors already gets no reply.
    pub(super) fn monitor(&mut self, client: &mut Client) {
        if client.session.in_exec {
            return client.reply.error("ERR MONITOR isn't allowed for DENY BLOCKING client");
        }
        if client.session.is_monitor {
            return;
        }
        client.session.is_monitor = true;
        self.observation.monitors.insert(client.id, client.key);
        client.reply.ok();
    }

    /// Ends MONITOR.
    pub(crate) fn stop_monitoring(&mut self, client: &mut Client) {
        client.session.is_monitor = false;
        self.observation.monitors.remove(&client.id);
    }
}
