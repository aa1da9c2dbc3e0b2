//! Commands about the connection itself: PING, ECHO, AUTH, HELLO, SELECT, QUIT, RESET.

use lastsave_resp::{Protocol, Request, parse_integer};

use super::texts;
use crate::client::{Client, Closing, ReplyMode};
use crate::durability::Durability;
use crate::identity::REDIS_VERSION;
use crate::server::Server;

impl Server {
    /// PING [message]
    pub(super) fn ping(client: &mut Client, request: Request<'_>) {
        match request.len() {
            1 | 2 if client.only_listens() => {
                client.reply.array(2);
                client.reply.bulk(b"pong");
                client.reply.bulk(request.get(1).unwrap_or_default());
            }
            1 => client.reply.simple("PONG"),
            2 => client.reply.bulk(request.arg(1)),
            _ => client.reply.error("ERR wrong number of arguments for 'ping' command"),
        }
    }

    /// SELECT index
    pub(super) fn select(&mut self, client: &mut Client, request: Request<'_>) {
        let Some(index) = parse_integer(request.arg(1)).filter(|index| i32::try_from(*index).is_ok()) else {
            client.reply.error(texts::NOT_AN_INTEGER);
            return;
        };
        match usize::try_from(index) {
            Ok(db) if db < self.dataset.keyspace.databases() => {
                client.session.db = db;
                client.reply.ok();
            }
            _ => client.reply.error("ERR DB index is out of range"),
        }
    }

    /// QUIT
    pub(super) fn quit(client: &mut Client) {
        client.reply.ok();
        client.closing = Closing::AfterFlush;
    }

    /// AUTH [username] password
    pub(super) fn auth(&mut self, client: &mut Client, request: Request<'_>) {
        let (user, password): (&[u8], &[u8]) = match request.len() {
            2 if self.settings.password_is_empty => {
                client.reply.error(
                    "ERR AUTH <password> called without any password configured for the default user. Are you sure \
                     your configuration is correct?",
                );
                return;
            }
            2 => (b"default", request.arg(1)),
            3 => (request.arg(1), request.arg(2)),
            _ => {
                client.reply.error(texts::SYNTAX);
                return;
            }
        };
        if self.authenticate(client, user, password) {
            client.reply.ok();
        }
    }

    /// Checks a password; answers the error and gives false when it is wrong.
    fn authenticate(&mut self, client: &mut Client, user: &[u8], password: &[u8]) -> bool {
        let expected = self.config.requirepass.as_bytes();
        let is_right =
            user == b"default" && (expected.is_empty() || equal_in_constant_time(expected, password));
        if is_right {
            client.session.authenticated = true;
        } else {
            self.statistics.denied_auth += 1;
            client.reply.error("WRONGPASS invalid username-password pair or user is disabled.");
        }
        is_right
    }

    /// HELLO [protover [AUTH username password] [SETNAME clientname]]
    pub(super) fn hello(&mut self, client: &mut Client, request: Request<'_>) {
        let Some(options) = HelloOptions::parse(client, request) else { return };
        if let Some((user, password)) = options.auth
            && !self.authenticate(client, user, password)
        {
            return;
        }
        if !client.session.authenticated {
            client.reply.error(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
                 <user> <pass> option can be used to authenticate the client and select the RESP protocol version at \
                 the same time",
            );
            return;
        }
        if let Some(name) = options.name {
            client.session.name = String::from_utf8_lossy(name).into_owned();
        }
        if let Some(protocol) = options.protocol {
            client.reply.set_protocol(protocol);
        }
        let reply = &mut client.reply;
        reply.map(7);
        reply.bulk(b"server");
        reply.bulk(b"redis");
        reply.bulk(b"version");
        reply.bulk(REDIS_VERSION.as_bytes());
        reply.bulk(b"proto");
        reply.integer(reply.protocol().version());
        reply.bulk(b"id");
        reply.integer(client.id as i64);
        reply.bulk(b"mode");
        reply.bulk(b"standalone");
        reply.bulk(b"role");
        reply.bulk(b"master");
        reply.bulk(b"modules");
        reply.array(0);
    }

    /// RESET
    pub(super) fn reset_client(&mut self, client: &mut Client) {
        self.abort_transaction(client);
        self.unsubscribe_from_everything(client);
        self.stop_monitoring(client);
        self.stop_tracking(client);
        let session = &mut client.session;
        session.db = 0;
        session.name.clear();
        session.authenticated = self.settings.password_is_empty;
        session.reply_mode = ReplyMode::On;
        session.no_evict = false;
        session.no_touch = false;
        session.durability = Durability::Default;
        client.reply.set_protocol(Protocol::Resp2);
        client.reply.simple("RESET");
    }
}

/// Options of HELLO.
struct HelloOptions<'a> {
    protocol: Option<Protocol>,
    auth: Option<(&'a [u8], &'a [u8])>,
    name: Option<&'a [u8]>,
}

impl<'a> HelloOptions<'a> {
    /// Parses the arguments; answers the error and gives none when they are wrong.
    fn parse(client: &mut Client, request: Request<'a>) -> Option<Self> {
        let mut options = Self { protocol: None, auth: None, name: None };
        let mut at = 1;
        if request.len() > 1 {
            options.protocol = match parse_integer(request.arg(1)) {
                Some(2) => Some(Protocol::Resp2),
                Some(3) => Some(Protocol::Resp3),
                Some(_) => {
                    client.reply.error("NOPROTO unsupported protocol version");
                    return None;
                }
                None => {
                    client.reply.error("ERR Protocol version is not an integer or out of range");
                    return None;
                }
            };
            at = 2;
        }
        while at < request.len() {
            let word = request.arg(at);
            let left = request.len() - at - 1;
            if word.eq_ignore_ascii_case(b"AUTH") && left >= 2 {
                options.auth = Some((request.arg(at + 1), request.arg(at + 2)));
                at += 3;
            } else if word.eq_ignore_ascii_case(b"SETNAME") && left >= 1 {
                let name = request.arg(at + 1);
                if !super::client::is_valid_name(name) {
                    client.reply.error(texts::CLIENT_NAME);
                    return None;
                }
                options.name = Some(name);
                at += 2;
            } else {
                let text = format!("ERR Syntax error in HELLO option '{}'", String::from_utf8_lossy(word));
                client.reply.error(&text);
                return None;
            }
        }
        Some(options)
    }
}

/// Compares two secrets without telling by the time it takes where they differ.
fn equal_in_constant_time(expected: &[u8], given: &[u8]) -> bool {
    let mut difference = u8::from(expected.len() != given.len());
    for (index, byte) in given.iter().enumerate() {
        difference |= byte ^ expected[index % expected.len().max(1)];
    }
    std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::equal_in_constant_time;

    #[test]
    fn secrets_are_equal_only_to_themselves() {
        assert!(equal_in_constant_time(b"secret", b"secret"));
        for wrong in [&b""[..], b"secre", b"secretsecret", b"Secret", b"secret1"] {
            assert!(!equal_in_constant_time(b"secret", wrong), "{wrong:?}");
        }
    }
}
