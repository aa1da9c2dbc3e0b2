//! INFO and TIME.

use lastsave_resp::Request;

use crate::client::Client;
use crate::server::Server;

impl Server {
    /// INFO [section ...]
    pub(super) fn info(&mut self, client: &mut Client, request: Request<'_>) {
        let words: Vec<&[u8]> = request.args().skip(1).collect();
        let text = self.info_text(client, &words);
        client.reply.verbatim("txt", text.as_bytes());
    }

    /// TIME
    pub(super) fn time(&mut self, client: &mut Client) {
        self.clock.refresh();
        let now_us = self.clock.now_us();
        client.reply.array(2);
        client.reply.bulk_integer(now_us / 1_000_000);
        client.reply.bulk_integer(now_us % 1_000_000);
    }
}
