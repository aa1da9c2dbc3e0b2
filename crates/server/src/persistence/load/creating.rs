//! Collections that a command of the log creates, made on the reader's thread: the command is executed there in a dataset
//! of its own, with nothing under the key. What comes of it counts if there is nothing under the key either when the
//! executor gets there, which executes the command if there is.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lastsave_aof::Record;
use lastsave_commands::{Dependency, Effects, Handler, check_arity, lookup};
use lastsave_keyspace::MadeEntry;
use lastsave_resp::{Batch, Limits, Parser, Protocol, ReplyBuffer};

use super::making::KeyMaker;
use super::message::BYTES_PER_BATCH;
use crate::dataset::{Caller, Dataset};

/// Commands that create the collection they find missing.
const NAMES: [&[u8]; 6] = [b"HSET", b"HMSET", b"RPUSH", b"LPUSH", b"SADD", b"ZADD"];

/// Arguments of a command for which it is worth the detour.
const ARGUMENTS_MIN: usize = 10;

/// How many keys are remembered for having been named before, at most. It is a power of two.
const SEEN_SLOTS: usize = 1 << 14;

/// When more than one in this many was made for nothing, no more are made.
const UNUSED_SHARE: u64 = 4;

/// So many may be made for nothing in any case.
const UNUSED_MIN: u64 = 64;

/// A collection that was created, and what its command counts as changes.
#[derive(Debug)]
pub(super) struct Created {
    pub(super) entry: MadeEntry,
    pub(super) dirty: u64,
}

/// Makes collections of commands.
#[derive(Debug)]
pub(super) struct CollectionMaker {
    dataset: Dataset,
    batch: Batch,
    reply: ReplyBuffer,
    effects: Effects,
    now_ms: i64,
    /// Hashes of keys that commands named before: one that comes again is most likely there.
    seen: Vec<u64>,
    made: u64,
    unused: Arc<AtomicU64>,
}

impl CollectionMaker {
    /// `unused` counts what was made for nothing.
    pub(super) fn new(maker: &KeyMaker, unused: Arc<AtomicU64>) -> Self {
        Self {
            dataset: Dataset::with_options(maker.options().clone()),
            batch: Batch::new(),
            reply: ReplyBuffer::new(Protocol::Resp2),
            effects: Effects::new(),
            now_ms: maker.now_ms(),
            seen: vec![0; SEEN_SLOTS],
            made: 0,
            unused,
        }
    }

    /// What the record creates if its key is not there, when that is likely and the record is worth it.
    pub(super) fn create(&mut self, record: &Record<'_>, maker: &KeyMaker) -> Option<Created> {
        let name = record.argument(0);
        if record.len() < 3 || !NAMES.iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return None;
        }
        let mut hasher = DefaultHasher::new();
        record.argument(1).hash(&mut hasher);
        let hash = hasher.finish();
        let seen = &mut self.seen[hash as usize % SEEN_SLOTS];
        if std::mem::replace(seen, hash) == hash {
            return None;
        }
        if record.len() < ARGUMENTS_MIN || record.bytes().len() > BYTES_PER_BATCH {
            return None;
        }
        let unused = self.unused.load(Ordering::Relaxed);
        if unused > UNUSED_MIN + self.made / UNUSED_SHARE {
            return None;
        }
        self.made += 1;
        self.execute(record.bytes(), maker)
    }

    fn execute(&mut self, bytes: &[u8], maker: &KeyMaker) -> Option<Created> {
        let limits = Limits { max_bulk_bytes: usize::MAX, ..Limits::default() };
        self.batch.clear();
        let progress = Parser::new().parse(bytes, &limits, &mut self.batch, 1);
        if progress.consumed != bytes.len() || self.batch.len() != 1 {
            return None;
        }
        let request = self.batch.request(0, bytes);
        let spec = lookup(request.arg(0))?;
        let Handler::Data(handler) = spec.handler else { return None };
        if !check_arity(spec, request.len()) {
            return None;
        }
        let errors_before = self.reply.errors();
        let mut depends = Dependency::Nothing;
        let caller = Caller::log(0, self.now_ms);
        let mut context = self.dataset.context(caller, &mut self.reply, &mut self.effects, &mut depends);
        handler(&mut context, request);
        let dirty = self.effects.dirty();
        self.effects.clear();
        self.reply.consume(self.reply.pending());
        let keyspace = &mut self.dataset.keyspace;
        let key = keyspace.key(request.arg(1));
        let entry = keyspace.db(0).get(&key).map(|entry| maker.copy(&entry));
        keyspace.db_mut(0).remove(&key);
        // What it has to say, it says when the executor executes it.
        if self.reply.errors() != errors_before {
            return None;
        }
        Some(Created { entry: entry?, dirty })
    }
}
