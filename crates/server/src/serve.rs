//! Serving the clients whose sockets are ready: read, parse, prefetch, execute.
//!
//! Clients are served in groups. All of a group are read and parsed first, then the keys of their commands are
//! prefetched together, then the commands run: with many keys the time of a command is the time of its cache
//! misses, and the prefetches of different clients overlap.

use lastsave_commands::CommandSpec;
use lastsave_resp::{Batch, Limits, Parser, ProtocolError, Request};
use smallvec::SmallVec;

use crate::client::{Client, Closing};
use crate::dispatch::Flow;
use crate::net::query_buffer::{BIG_FRAME_BYTES, ReadOutcome};
use crate::net::token::ClientKey;
use crate::server::Server;
use crate::statistics::Statistics;

/// Clients read before the first of them is executed.
const GROUP_CLIENTS: usize = 16;
/// Commands parsed for a group before no more clients join it.
const GROUP_COMMANDS: usize = 256;
/// Commands of one client executed per turn at most.
const TURN_COMMANDS_MAX: usize = 256;
/// After this time a turn executes nothing more: replies, and what else waits for the loop, come first.
const TURN_BUDGET_NS: u64 = 500_000;
/// The same while a snapshot runs: commands copy what they change then, into memory that may have to be touched first, and
/// sending their replies comes on top.
const TURN_BUDGET_WITH_SNAPSHOT_NS: u64 = 250_000;
/// Commands whose keys are prefetched together.
const WINDOW_COMMANDS: usize = 32;

/// What was parsed for one client of a group. Kept and reused from group to group.
#[derive(Debug, Default)]
pub(crate) struct Serving {
    key: Option<ClientKey>,
    batch: Batch,
    /// Specification of each command, as far as they were looked up.
    specs: Vec<Option<&'static CommandSpec>>,
    consumed: usize,
    error: Option<ProtocolError>,
}

impl Server {
    /// Serves every client in the ready queue once, or as many as the turn's time allows; the others stay queued.
    pub(crate) fn serve_ready(&mut self) {
        let mut remaining = self.queues.ready.len();
        let mut group = std::mem::take(&mut self.serving);
        group.resize_with(GROUP_CLIENTS, Serving::default);
        self.start_timing();
        let has_snapshot = self.persistence.is_snapshot_under_way();
        let budget_ns = if has_snapshot { TURN_BUDGET_WITH_SNAPSHOT_NS } else { TURN_BUDGET_NS };
        self.turn_ends_ns = self.command_started_ns + budget_ns;
        // Nothing may change any more once the log is closed for good.
        while remaining > 0 && self.exit_code.is_none() && !self.is_turn_over() {
            let mut count = 0;
            let mut commands = 0;
            while count < remaining.min(GROUP_CLIENTS) && commands < GROUP_COMMANDS {
                let slot = &mut group[count];
                slot.key = self.queues.ready.pop_front();
                self.read_and_parse(slot);
                commands += slot.batch.len();
                count += 1;
            }
            remaining -= count;
            let window = (WINDOW_COMMANDS * 2 / count).clamp(1, WINDOW_COMMANDS);
            for slot in &mut group[..count] {
                self.prefetch_first(slot, window);
            }
            let mut executed = 0;
            while executed < count && !self.is_turn_over() {
                self.execute_slot(&mut group[executed]);
                executed += 1;
            }
            // From the last to the first, as each goes in front of the others.
            for slot in group[executed..count].iter_mut().rev() {
                if slot.batch.is_empty() {
                    self.execute_slot(slot);
                } else {
                    self.postpone_slot(slot);
                }
            }
            // Clients without a complete command take time too.
            self.start_timing();
            if remaining > 0 {
                self.persistence.hand_over_early();
            }
        }
        self.serving = group;
    }

    /// Whether the turn's time is used up, as of the last look at the clock: there is one per command.
    fn is_turn_over(&self) -> bool {
        self.command_started_ns >= self.turn_ends_ns
    }

    /// Reads once from a client's socket and parses what is complete.
    fn read_and_parse(&mut self, slot: &mut Serving) {
        slot.batch.clear();
        slot.specs.clear();
        slot.consumed = 0;
        slot.error = None;
        let Some(client) = slot.key.and_then(|key| self.clients.get_mut(key)) else {
            slot.key = None;
            return;
        };
        client.work.queued = false;
        if !client.accepts_commands() {
            slot.key = None;
            return;
        }
        if client.work.readable && !client.work.parse {
            let outcome = client.query.read_from(&client.socket, client.wanted, &mut self.buffers);
            if !note_read(&mut self.statistics, client, outcome, self.clock.monotonic_ms()) {
                self.queues.queue_flush(client);
                slot.key = None;
                return;
            }
        }
        if client.query.is_empty() {
            client.work.parse = false;
            // A buffer that was taken for nothing goes back.
            client.query.consume(0, &mut self.buffers);
            return;
        }
        let limits = Limits {
            max_bulk_bytes: self.settings.max_bulk_bytes,
            authenticated: client.session.authenticated,
            ..Limits::default()
        };
        // Authentication changes how the bytes behind it may be read.
        let commands_max = if client.session.authenticated { TURN_COMMANDS_MAX } else { 1 };
        let progress = client.parser.parse(client.query.unread(), &limits, &mut slot.batch, commands_max);
        client.wanted = progress.wanted;
        client.work.parse = slot.batch.len() >= commands_max;
        slot.consumed = progress.consumed;
        slot.error = progress.error;
    }

    /// Looks up the first commands of a slot and prefetches their keys.
    fn prefetch_first(&self, slot: &mut Serving, window: usize) {
        let Some(client) = slot.key.and_then(|key| self.clients.get(key)) else { return };
        let end = slot.batch.len().min(window);
        self.look_up(&slot.batch, client.query.unread(), end, &mut slot.specs, client.session.db);
    }

    /// Looks up commands until `end` and prefetches the entries of their first keys.
    fn look_up(
        &self,
        batch: &Batch,
        input: &[u8],
        end: usize,
        specs: &mut Vec<Option<&'static CommandSpec>>,
        db: usize,
    ) {
        let start = specs.len();
        let database = self.dataset.keyspace.db(db);
        let mut keys: SmallVec<[_; WINDOW_COMMANDS]> = SmallVec::new();
        for index in start..end {
            let request = batch.request(index, input);
            let spec = self.names.lookup(request.arg(0));
            if let Some(key) = spec.and_then(|spec| first_key(spec, request)) {
                let key = self.dataset.keyspace.key(key);
                database.prefetch_segment(&key);
                keys.push(key);
            }
            specs.push(spec);
        }
        // One key alone is looked up right away; the prefetch would only add to it.
        if keys.len() > 1 {
            for key in &keys {
                database.prefetch_entry(key);
            }
        }
    }

    /// Executes what was parsed for one client.
    fn execute_slot(&mut self, slot: &mut Serving) {
        let Some(mut client) = slot.key.and_then(|key| self.clients.take(key)) else { return };
        if !client.closing.is_pending() && self.exit_code.is_none() {
            self.execute_batch(&mut client, slot);
            self.settle(&mut client);
        }
        self.clients.put_back(client);
        if self.must_serve_apart() {
            self.serve_ready_keys();
            self.deliver(None);
        }
    }

    /// Leaves all that was parsed for one client to the next turn, ahead of those that were served in this one.
    fn postpone_slot(&mut self, slot: &mut Serving) {
        let Some(mut client) = slot.key.and_then(|key| self.clients.take(key)) else { return };
        parse_again(&mut client);
        self.queues.queue_ready_first(&mut client);
        self.clients.put_back(client);
    }

    fn execute_batch(&mut self, client: &mut Client, slot: &mut Serving) {
        if slot.batch.is_empty() && slot.error.is_none() {
            if slot.consumed > 0 {
                client.query.consume(slot.consumed, &mut self.buffers);
            }
            return;
        }
        let mut query = client.query.detach();
        client.activity.executing_bytes = (query.len(), query.free_bytes());
        let has_big_frame = query.len() >= BIG_FRAME_BYTES
            && slot.batch.requests(query.unread()).any(|request| is_big(request, query.len()));
        if has_big_frame {
            let shared = query.take_shared();
            let consumed = self.execute_requests(client, slot, &shared, Some(&shared));
            if consumed < shared.len() {
                client.query.restore(&shared[consumed..]);
            }
        } else {
            let consumed = self.execute_requests(client, slot, query.unread(), None);
            query.consume(consumed, &mut self.buffers);
            client.query = query;
        }
        client.activity.executing_bytes = (0, 0);
        if let Some(error) = slot.error.filter(|_| client.accepts_commands()) {
            self.refuse_protocol(client, error);
        }
    }

    /// Executes the commands of a batch and gives how many bytes of `input` they took.
    fn execute_requests(
        &mut self,
        client: &mut Client,
        slot: &mut Serving,
        input: &[u8],
        shared: Option<&bytes::Bytes>,
    ) -> usize {
        self.start_timing();
        for index in 0..slot.batch.len() {
            if index >= slot.specs.len() {
                let end = slot.batch.len().min(index + WINDOW_COMMANDS);
                self.look_up(&slot.batch, input, end, &mut slot.specs, client.session.db);
            }
            let request = slot.batch.request(index, input);
            // Sharing pays for values that make up most of the allocation they lie in.
            let request = match shared {
                Some(buffer) if is_big(request, buffer.len()) => request.with_shared(buffer),
                _ => request,
            };
            let flow = self.execute(client, slot.specs[index], request);
            let stays = flow == Flow::Park;
            if stays || !client.accepts_commands() || self.must_serve_apart() || self.is_turn_over() {
                let first_left = index + usize::from(!stays);
                return self.stop_batch(client, slot, input, first_left);
            }
        }
        slot.consumed
    }

    /// Leaves the commands from `first_left` on in the query buffer for later.
    fn stop_batch(
        &mut self,
        client: &mut Client,
        slot: &mut Serving,
        input: &[u8],
        first_left: usize,
    ) -> usize {
        if first_left >= slot.batch.len() {
            return slot.consumed;
        }
        slot.error = None;
        parse_again(client);
        let frame = slot.batch.request(first_left, input).frame();
        frame.as_ptr().addr() - input.as_ptr().addr()
    }

    fn refuse_protocol(&mut self, client: &mut Client, error: ProtocolError) {
        tracing::debug!(
            "Protocol error ({error}) from client: {}",
            client.describe(self.clock.monotonic_ms())
        );
        client.reply.protocol_error(error);
        self.statistics.note_errors(&client.reply, &mut client.counted_errors);
        client.closing = Closing::AfterFlush;
        client.work.readable = false;
        client.work.parse = false;
        let _rest = client.query.detach();
    }

    /// Puts a client that was served into the queues it belongs to.
    pub(crate) fn settle(&mut self, client: &mut Client) {
        if client.query.len() as u64 > self.settings.query_buffer_limit_bytes {
            tracing::warn!(
                "Closing client that reached max query buffer length: {}",
                client.describe(self.clock.monotonic_ms())
            );
            self.statistics.query_buffer_limit_disconnections += 1;
            client.closing = Closing::Now;
        }
        if client.reply.pending() > 0 || client.closing.is_pending() {
            self.queues.queue_flush(client);
        }
        self.queues.queue_ready(client);
        client.account_memory(&mut self.eviction.clients);
    }
}

/// Lets the parser start over at the first command that was not executed.
fn parse_again(client: &mut Client) {
    client.parser = Parser::new();
    client.wanted = 0;
    client.work.parse = true;
}

/// The first key of a request, when its place is known from the table.
fn first_key<'a>(spec: &CommandSpec, request: Request<'a>) -> Option<&'a [u8]> {
    usize::try_from(spec.key_range.first).ok().filter(|first| *first > 0).and_then(|first| request.get(first))
}

/// Whether a command is worth passing on by reference from an allocation of `allocated` bytes.
fn is_big(request: Request<'_>, allocated: usize) -> bool {
    request.frame().len() >= BIG_FRAME_BYTES && request.frame().len() >= allocated / 2
}

/// Notes what a read brought; false when the client is to be closed.
fn note_read(
    statistics: &mut Statistics,
    client: &mut Client,
    outcome: std::io::Result<ReadOutcome>,
    now_ms: u64,
) -> bool {
    statistics.reads_processed += 1;
    let count = match outcome {
        Ok(ReadOutcome::Drained(count)) => {
            // The end of the stream is reported by a read of its own.
            client.work.readable = client.work.hung_up;
            count
        }
        Ok(ReadOutcome::Filled(count)) => count,
        Ok(ReadOutcome::WouldBlock) => {
            client.work.readable = false;
            return true;
        }
        Ok(ReadOutcome::Closed) => {
            tracing::debug!("Client closed connection {}", client.describe(now_ms));
            client.work.readable = false;
            // Replies may still be on their way to a peer that has only closed its sending side.
            client.closing = if client.reply.pending() > 0 { Closing::AfterFlush } else { Closing::Now };
            return false;
        }
        Err(error) => {
            tracing::debug!("Reading from client: {}", crate::errno::text(&error));
            client.work.readable = false;
            client.closing = Closing::Now;
            return false;
        }
    };
    statistics.net_input_bytes += count as u64;
    client.activity.input_bytes += count as u64;
    client.activity.last_interaction_ms = now_ms;
    true
}
