//! CLIENT TRACKING, CACHING, GETREDIR and TRACKINGINFO.

use bytes::Bytes;
use lastsave_resp::{Request, parse_integer};

use crate::client::{Client, Tracking};
use crate::handlers::texts;
use crate::server::Server;

impl Server {
    /// CLIENT TRACKING ON | OFF [options]
    pub(in crate::handlers) fn client_tracking(&mut self, client: &mut Client, request: Request<'_>) {
        let parsed = self.parse_tracking(client, request);
        let wanted = match parsed {
            Ok(wanted) => wanted,
            Err(text) => return client.reply.error_bytes(&text),
        };
        let word = request.arg(2);
        if word.eq_ignore_ascii_case(b"on") {
            let before = client.session.tracking.as_deref();
            if let Err(text) = check(&wanted, before) {
                return client.reply.error_bytes(&text);
            }
            self.start_tracking(client, wanted);
        } else if word.eq_ignore_ascii_case(b"off") {
            self.stop_tracking(client);
        } else {
            return client.reply.error(texts::SYNTAX);
        }
        client.reply.ok();
    }

    fn parse_tracking(&self, client: &Client, request: Request<'_>) -> Result<Wanted, Vec<u8>> {
        let mut wanted = Wanted::default();
        let options = &mut wanted.tracking;
        let mut at = 3;
        while at < request.len() {
            let word = request.arg(at);
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            match request.get(at + 1) {
                Some(id) if is("redirect") => {
                    if options.redirect.is_some() {
                        return Err(b"ERR A client can only redirect to a single other client".to_vec());
                    }
                    let id = parse_integer(id).ok_or_else(|| texts::NOT_AN_INTEGER.as_bytes().to_vec())?;
                    let id = u64::try_from(id).ok();
                    let found = id.filter(|id| *id == client.id || self.clients.key_of(*id).is_some());
                    let missing = || b"ERR The client ID you want redirect to does not exist".to_vec();
                    options.redirect = Some(found.ok_or_else(missing)?);
                    at += 1;
                }
                Some(prefix) if is("prefix") => {
                    wanted.prefixes.push(Bytes::copy_from_slice(prefix));
                    at += 1;
                }
                _ if is("bcast") => options.is_broadcast = true,
                _ if is("optin") => options.opt_in = true,
                _ if is("optout") => options.opt_out = true,
                _ if is("noloop") => options.no_loop = true,
                _ => return Err(texts::SYNTAX.as_bytes().to_vec()),
            }
            at += 1;
        }
        Ok(wanted)
    }

    fn start_tracking(&mut self, client: &mut Client, wanted: Wanted) {
        let Wanted { mut tracking, mut prefixes } = wanted;
        if let Some(before) = client.session.tracking.take() {
            tracking.prefixes = before.prefixes;
        }
        if tracking.is_broadcast && prefixes.is_empty() {
            prefixes.push(Bytes::new());
        }
        self.tracking.add_client(client.id, client.key);
        for prefix in prefixes {
            self.tracking.add_prefix(client.id, prefix.clone());
            tracking.prefixes.insert(prefix);
        }
        client.session.tracking = Some(Box::new(tracking));
        self.dataset.signals.want_modified_keys(true);
    }

    /// CLIENT CACHING YES | NO
    pub(in crate::handlers) fn client_caching(client: &mut Client, request: Request<'_>) {
        let Some(tracking) = client.session.tracking.as_deref_mut() else {
            return client.reply.error(
                "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode \
                 enabled",
            );
        };
        let word = request.arg(2);
        if word.eq_ignore_ascii_case(b"yes") {
            if !tracking.opt_in {
                return client
                    .reply
                    .error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
            }
        } else if word.eq_ignore_ascii_case(b"no") {
            if !tracking.opt_out {
                return client
                    .reply
                    .error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
            }
        } else {
            return client.reply.error(texts::SYNTAX);
        }
        tracking.caching = true;
        client.reply.ok();
    }

    /// CLIENT GETREDIR
    pub(in crate::handlers) fn client_getredir(client: &mut Client) {
        client.reply.integer(client.session.shown_redirect());
    }

    /// CLIENT TRACKINGINFO
    pub(in crate::handlers) fn client_trackinginfo(client: &mut Client) {
        let flags = flags_of(client.session.tracking.as_deref());
        let prefixes = client.session.tracking.as_ref().map(|tracking| tracking.prefixes.clone());
        let redirect = client.session.shown_redirect();
        let reply = &mut client.reply;
        reply.map(3);
        reply.bulk(b"flags");
        reply.set(flags.len());
        for flag in flags {
            reply.bulk(flag.as_bytes());
        }
        reply.bulk(b"redirect");
        reply.integer(redirect);
        reply.bulk(b"prefixes");
        let prefixes = prefixes.unwrap_or_default();
        reply.array(prefixes.len());
        for prefix in &prefixes {
            reply.bulk(prefix);
        }
    }
}

/// What CLIENT TRACKING asks for.
#[derive(Debug, Default)]
struct Wanted {
    tracking: Tracking,
    prefixes: Vec<Bytes>,
}

fn flags_of(tracking: Option<&Tracking>) -> Vec<&'static str> {
    let Some(tracking) = tracking else { return vec!["off"] };
    let marks = [
        (true, "on"),
        (tracking.is_broadcast, "bcast"),
        (tracking.opt_in, "optin"),
        (tracking.opt_in && tracking.caching, "caching-yes"),
        (tracking.opt_out, "optout"),
        (tracking.opt_out && tracking.caching, "caching-no"),
        (tracking.no_loop, "noloop"),
        (tracking.is_redirect_broken, "broken_redirect"),
    ];
    marks.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect()
}

/// Whether the options go together, and with those chosen before.
fn check(wanted: &Wanted, before: Option<&Tracking>) -> Result<(), Vec<u8>> {
    let options = &wanted.tracking;
    let refuse = |text: &str| Err(text.as_bytes().to_vec());
    if !options.is_broadcast && !wanted.prefixes.is_empty() {
        return refuse("ERR PREFIX option requires BCAST mode to be enabled");
    }
    if before.is_some_and(|before| before.is_broadcast != options.is_broadcast) {
        return refuse(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    if options.is_broadcast && (options.opt_in || options.opt_out) {
        return refuse("ERR OPTIN and OPTOUT are not compatible with BCAST");
    }
    if options.opt_in && options.opt_out {
        return refuse("ERR You can't specify both OPTIN mode and OPTOUT mode");
    }
    let switches =
        |before: &Tracking| (options.opt_in && before.opt_out) || (options.opt_out && before.opt_in);
    if before.is_some_and(switches) {
        return refuse(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it \
             with a different mode.",
        );
    }
    check_prefixes(&wanted.prefixes, before)
}

/// Prefixes of one client must not overlap: it would be told twice.
fn check_prefixes(prefixes: &[Bytes], before: Option<&Tracking>) -> Result<(), Vec<u8>> {
    let overlap = |one: &[u8], other: &[u8]| one.starts_with(other) || other.starts_with(one);
    let refuse = |prefix: &[u8], kind: &str, other: &[u8]| {
        let parts: [&[u8]; 7] = [
            b"ERR Prefix '",
            prefix,
            b"' overlaps with ",
            kind.as_bytes(),
            b" prefix '",
            other,
            b"'. Prefixes for a single client must not overlap.",
        ];
        Err(parts.concat())
    };
    for (index, prefix) in prefixes.iter().enumerate() {
        let existing = before.and_then(|before| before.prefixes.iter().find(|other| overlap(prefix, other)));
        if let Some(other) = existing {
            return refuse(prefix, "an existing", other);
        }
        if let Some(other) = prefixes[index + 1..].iter().find(|other| overlap(prefix, other)) {
            return refuse(prefix, "another provided", other);
        }
    }
    Ok(())
}
