//! A client as CLIENT LIST shows it.

use std::fmt::Write as _;

use lastsave_resp::Protocol;

use super::{Client, Closing};
use crate::net::query_buffer::BIG_FRAME_BYTES;
use crate::pubsub::Topic;

/// Bytes that Redis keeps in one node of a client's list of output.
const OUTPUT_NODE_BYTES: usize = 16 * 1024;

impl Client {
    /// The line without its end, for the log.
    pub(crate) fn describe(&self, now_ms: u64) -> String {
        self.describe_fully(now_ms, false)
    }

    /// The line without its end; `is_watch_broken` says whether a key it watches was changed.
    pub(crate) fn describe_fully(&self, now_ms: u64, is_watch_broken: bool) -> String {
        let seconds_since = |then: u64| now_ms.saturating_sub(then) / 1000;
        let session = &self.session;
        let multi = session.transaction.as_ref().map_or(-1, |transaction| transaction.len() as i64);
        let (pending, counted) = (self.reply.pending(), self.limited_output_bytes());
        // Redis takes the arguments of a long command out of the query buffer one by one.
        let arriving =
            self.parser.arriving_argument().filter(|_| self.wanted + self.query.len() >= BIG_FRAME_BYTES);
        let (argument_bytes, read_bytes) = arriving.unwrap_or((0, 0));
        let read_bytes = read_bytes.min(self.query.len());
        let mut line = String::with_capacity(320);
        let _infallible = write!(
            line,
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={multi} \
             qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={} \
             cmd={} user=default redir={} resp={} lib-name={} lib-ver={}",
            self.id,
            self.peer,
            self.local,
            self.socket.descriptor(),
            session.name,
            seconds_since(self.activity.connected_ms),
            seconds_since(self.activity.last_interaction_ms),
            self.flags(is_watch_broken),
            session.db,
            self.subscriptions.len(Topic::Channel),
            self.subscriptions.len(Topic::Pattern),
            self.subscriptions.len(Topic::Shard),
            self.query.len() - read_bytes + self.activity.executing_bytes.0,
            self.query.free_bytes() + self.activity.executing_bytes.1,
            self.activity.argument_bytes + argument_bytes,
            session.transaction_bytes(),
            self.reply.memory_bytes(),
            pending,
            pending.min(Self::UNCOUNTED_OUTPUT_BYTES),
            (counted as usize).div_ceil(OUTPUT_NODE_BYTES),
            counted,
            self.memory_bytes(),
            if self.work.awaits_writable { "rw" } else { "r" },
            self.activity.last_command.map_or("NULL", |spec| spec.full_name),
            session.shown_redirect(),
            if self.reply.protocol() == Protocol::Resp3 { 3 } else { 2 },
            session.library_name,
            session.library_version,
        );
        line
    }

    /// One letter per state, `N` for none.
    fn flags(&self, is_watch_broken: bool) -> String {
        let tracking = self.session.tracking.as_deref();
        let marks = [
            (self.session.is_monitor, 'O'),
            (self.is_subscriber(), 'P'),
            (self.session.transaction.is_some(), 'x'),
            (self.blocked.is_some() || self.work.paused, 'b'),
            (tracking.is_some(), 't'),
            (tracking.is_some_and(|tracking| tracking.is_redirect_broken), 'R'),
            (tracking.is_some_and(|tracking| tracking.is_broadcast), 'B'),
            (is_watch_broken, 'd'),
            (self.closing == Closing::AfterFlush, 'c'),
            (self.socket.is_unix(), 'U'),
            (self.closing == Closing::Now, 'A'),
            (self.session.no_evict, 'e'),
            (self.session.no_touch, 'T'),
        ];
        let letters: String = marks.iter().filter(|(is_set, _)| *is_set).map(|(_, letter)| letter).collect();
        if letters.is_empty() { "N".to_owned() } else { letters }
    }
}
