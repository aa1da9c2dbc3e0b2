//! Telling clients that what they have cached has changed.

use bytes::Bytes;
use lastsave_commands::{CommandSpec, Flags, request_keys};
use lastsave_resp::{Protocol, Request};
use rand::Rng as _;

use crate::client::Client;
use crate::pubsub::Message;
use crate::server::Server;

impl Server {
    /// Remembers the keys that a tracking client has read with a command.
    pub(crate) fn remember_keys(
        &mut self,
        client: &Client,
        spec: &'static CommandSpec,
        request: Request<'_>,
    ) {
        let Some(tracking) = client.session.tracking.as_deref() else { return };
        if !spec.flags.has(Flags::READONLY) || !tracking.remembers() {
            return;
        }
        let Ok(keys) = request_keys(spec, request) else { return };
        for position in &keys {
            self.tracking.remember(client.id, request.arg(position.index));
        }
    }

    /// Keeps the number of remembered keys within `tracking-table-max-keys`: clients are told to forget some.
    /// `current` is the client being served, if one is.
    pub(crate) fn limit_tracking(&mut self, mut current: Option<&mut Client>) {
        /// Keys given up at once at most, so that a limit that was lowered does not hold up everybody.
        const KEYS_AT_ONCE_MAX: usize = 100;
        let keys_max = usize::try_from(self.config.tracking_table_max_keys).unwrap_or(usize::MAX);
        if keys_max == 0 {
            return;
        }
        for _ in 0..KEYS_AT_ONCE_MAX {
            if self.tracking.key_count() <= keys_max {
                return;
            }
            let near: [u8; 8] = self.dataset.random.random();
            let Some(key) = self.tracking.some_key(&near) else { return };
            self.invalidate_readers(&key, &mut current, false);
        }
    }

    /// A key was written or removed: by the client being served, or by the server itself.
    pub(crate) fn invalidate(&mut self, key: &[u8], current: &mut Option<&mut Client>, by_current: bool) {
        let by = current.as_ref().filter(|_| by_current).map(|client| client.id);
        self.tracking.note_change(key, by);
        self.invalidate_readers(key, current, by_current);
    }

    fn invalidate_readers(&mut self, key: &[u8], current: &mut Option<&mut Client>, by_current: bool) {
        for id in self.tracking.take_readers(key) {
            let is_own = by_current && current.as_ref().is_some_and(|client| client.id == id);
            self.tell(id, current, |tracking| {
                let is_unwanted = tracking.is_broadcast || (tracking.no_loop && is_own);
                (!is_unwanted).then(|| Some(vec![Bytes::copy_from_slice(key)]))
            });
        }
    }

    /// All keys are gone: every tracking client is told so.
    pub(crate) fn invalidate_everything(&mut self, current: &mut Option<&mut Client>) {
        for (id, _) in self.tracking.clients() {
            self.tell(id, current, |_| Some(None));
        }
        self.tracking.forget_readers();
    }

    /// Tells those who track prefixes what has changed in this turn.
    pub(crate) fn broadcast_changes(&mut self) {
        if self.tracking.is_idle() {
            return;
        }
        for (clients, changed) in self.tracking.take_changes() {
            for id in clients {
                self.tell(id, &mut None, |tracking| {
                    let is_heard = |by: &Option<u64>| !(tracking.no_loop && *by == Some(id));
                    let keys: Vec<Bytes> =
                        changed.iter().filter(|(_, by)| is_heard(by)).map(|(key, _)| key.clone()).collect();
                    (!keys.is_empty()).then_some(Some(keys))
                });
            }
        }
        self.deliver(None);
    }

    /// Sends a tracking client, or the one it redirects to, the keys that `choose` gives for it: none of them stands for
    /// all keys.
    fn tell(
        &mut self,
        id: u64,
        current: &mut Option<&mut Client>,
        choose: impl FnOnce(&crate::client::Tracking) -> Option<Option<Vec<Bytes>>>,
    ) {
        let Some(key) = self.tracking.client(id) else { return };
        let redirect = {
            let client = match current {
                Some(client) if client.id == id => Some(&**client),
                _ => self.clients.get(key),
            };
            let Some(tracking) = client.and_then(|client| client.session.tracking.as_deref()) else { return };
            tracking.redirect
        };
        // The receiver, and whether it can be told: pushes need the third protocol, and a redirection to a listener
        // makes do with the second.
        let receiver_key = match redirect {
            None => Some(key),
            Some(id) => self.clients.key_of(id),
        };
        let receiver = match current {
            Some(client) if Some(client.key) == receiver_key => Some(&**client),
            _ => receiver_key.and_then(|key| self.clients.get(key)),
        };
        let is_told = receiver.map(|receiver| {
            receiver.reply.protocol() == Protocol::Resp3 || (redirect.is_some() && receiver.is_subscriber())
        });
        let client = match current {
            Some(client) if client.id == id => Some(&mut **client),
            _ => self.clients.get_mut(key),
        };
        let Some(client) = client else { return };
        let protocol = client.reply.protocol();
        let Some(tracking) = client.session.tracking.as_deref_mut() else { return };
        let Some(keys) = choose(tracking) else { return };
        match (is_told, receiver_key) {
            (Some(true), Some(receiver)) => {
                self.outbox.send(Message::Invalidate { keys }, vec![receiver]);
            }
            (Some(false), _) => {}
            _ => {
                tracking.is_redirect_broken = true;
                if protocol == Protocol::Resp3 {
                    let target = redirect.unwrap_or(0);
                    self.outbox.send(Message::RedirectionBroken { target }, vec![key]);
                }
            }
        }
    }

    /// Ends a client's tracking.
    pub(crate) fn stop_tracking(&mut self, client: &mut Client) {
        let Some(tracking) = client.session.tracking.take() else { return };
        self.tracking.remove_client(client.id, &tracking.prefixes);
        self.dataset.signals.want_modified_keys(!self.tracking.is_idle());
    }
}
