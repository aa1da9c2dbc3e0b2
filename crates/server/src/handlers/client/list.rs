//! CLIENT LIST, INFO and ID.

use lastsave_resp::{Request, parse_integer};

use super::filter::ClientType;
use crate::client::Client;
use crate::handlers::texts;
use crate::server::Server;

impl Server {
    /// CLIENT ID
    pub(in crate::handlers) fn client_id(client: &mut Client) {
        client.reply.integer(client.id as i64);
    }

    /// CLIENT INFO
    pub(in crate::handlers) fn client_info(&self, client: &mut Client, request: Request<'_>) {
        client.activity.argument_bytes = argument_bytes(request);
        let line = self.describe_client(client, self.clock.monotonic_ms()) + "\n";
        client.activity.argument_bytes = 0;
        client.reply.verbatim("txt", line.as_bytes());
    }

    fn describe_client(&self, client: &Client, now_ms: u64) -> String {
        client.describe_fully(now_ms, self.dataset.watches.is_touched(client.id))
    }

    /// CLIENT LIST [TYPE type] [ID id ...]
    pub(in crate::handlers) fn client_list(&self, client: &mut Client, request: Request<'_>) {
        let wanted = match Wanted::parse(request) {
            Ok(wanted) => wanted,
            Err(text) => return client.reply.error(&text),
        };
        client.activity.argument_bytes = argument_bytes(request);
        let now_ms = self.clock.monotonic_ms();
        let mut lines = String::new();
        let mut listed = |other: &Client| {
            if wanted.includes(other) {
                lines.push_str(&self.describe_client(other, now_ms));
                lines.push('\n');
            }
        };
        // The caller is not in the table while it is being served.
        let mut is_listed = false;
        for other in self.clients.iter() {
            if !is_listed && other.id > client.id {
                listed(client);
                is_listed = true;
            }
            listed(other);
        }
        if !is_listed {
            listed(client);
        }
        client.activity.argument_bytes = 0;
        client.reply.verbatim("txt", lines.as_bytes());
    }
}

fn argument_bytes(request: Request<'_>) -> usize {
    request.args().map(<[u8]>::len).sum()
}

/// Which clients are asked for.
enum Wanted {
    All,
    Type(ClientType),
    Ids(Vec<u64>),
}

impl Wanted {
    fn parse(request: Request<'_>) -> Result<Self, String> {
        let Some(option) = request.get(2) else { return Ok(Self::All) };
        if option.eq_ignore_ascii_case(b"type") && request.len() == 4 {
            let word = request.arg(3);
            return ClientType::of(word).map(Self::Type).ok_or_else(|| ClientType::unknown(word));
        }
        if option.eq_ignore_ascii_case(b"id") && request.len() > 3 {
            let ids: Option<Vec<u64>> = request
                .args()
                .skip(3)
                .map(|id| parse_integer(id).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0))
                .collect();
            return ids.map(Self::Ids).ok_or_else(|| "ERR Invalid client ID".to_owned());
        }
        Err(texts::SYNTAX.to_owned())
    }

    fn includes(&self, client: &Client) -> bool {
        match self {
            Self::All => true,
            Self::Type(client_type) => client_type.includes(client),
            Self::Ids(ids) => ids.contains(&client.id),
        }
    }
}
