//! The executor's half of loading: keys are inserted, commands executed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::IntoIter;

use bytes::Bytes;
use lastsave_commands::{Context, Dependency, Effects, Handler, ServerCommand, Signals, check_arity, lookup};
use lastsave_keyspace::MadeEntry;
use lastsave_rdb::KeyRecord;
use lastsave_resp::{Batch, Limits, Parser, Protocol, ReplyBuffer, Request};

use super::PersistenceSettings;
use super::making::KeyMaker;
use super::message::{CommandBatch, KeyBatch, Run};
use crate::dataset::{Caller, Dataset};

/// Commands parsed at once.
const COMMANDS_PER_BATCH: usize = 1024;

/// Commands whose keys are prefetched together.
const PREFETCHED_COMMANDS: usize = 16;

/// Segments that are made or given back before the executor looks at the time again.
const SEGMENTS_PER_STEP: usize = 16 * 1024;

/// Inserts what the reader sends.
#[derive(Debug)]
pub(super) struct Applier {
    maker: KeyMaker,
    now_ms: i64,
    databases: usize,
    merge: bool,
    /// The database selected in the file of commands.
    database: usize,
    batch: Batch,
    reply: ReplyBuffer,
    effects: Effects,
    /// Nobody hears of what is loaded.
    unheard: Signals,
    /// Collections that the reader made and whose keys were there.
    unused: Arc<AtomicU64>,
    keys_loaded: u64,
    keys_expired: u64,
    keys_empty: u64,
    dirty: u64,
}

impl Applier {
    /// `merge`: keys that exist are replaced instead of being an error.
    pub(super) fn new(maker: KeyMaker, now_ms: i64, settings: &PersistenceSettings, merge: bool) -> Self {
        Self {
            maker,
            now_ms,
            databases: settings.databases,
            merge,
            database: 0,
            batch: Batch::new(),
            reply: ReplyBuffer::new(Protocol::Resp2),
            effects: Effects::new(),
            unheard: Signals::new(),
            unused: Arc::default(),
            keys_loaded: 0,
            keys_expired: 0,
            keys_empty: 0,
            dirty: 0,
        }
    }

    /// Counts collections that the reader has made for nothing.
    pub(super) fn unused(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.unused)
    }

    pub(super) fn keys_loaded(&self) -> u64 {
        self.keys_loaded
    }

    pub(super) fn keys_expired(&self) -> u64 {
        self.keys_expired
    }

    /// Tells what became of the keys of a snapshot, in Redis' words.
    pub(super) fn log_snapshot_ended(&self) {
        let Self { keys_loaded, keys_expired, keys_empty, .. } = self;
        let empty = match keys_empty {
            0 => String::new(),
            _ => format!(", empty keys skipped: {keys_empty}"),
        };
        tracing::info!("Done loading RDB, keys loaded: {keys_loaded}, keys expired: {keys_expired}{empty}.");
    }

    /// Changes made by commands: they count towards the next save point.
    pub(super) fn dirty(&self) -> u64 {
        self.dirty
    }

    pub(super) fn start_command_file(&mut self) {
        self.database = 0;
    }

    /// Makes room for keys that will come, some of it: gives whether that is done.
    pub(super) fn make_room(&self, dataset: &mut Dataset, database: u64, keys: u64) -> bool {
        let index = usize::try_from(database).ok().filter(|index| *index < self.databases);
        index.is_none_or(|index| dataset.keyspace.db_mut(index).reserve(keys, SEGMENTS_PER_STEP))
    }

    /// Gives back room for keys that have not come, some of it: gives whether that is done.
    pub(super) fn give_back_room(dataset: &mut Dataset) -> bool {
        (0..dataset.keyspace.databases()).all(|index| dataset.keyspace.db_mut(index).trim(SEGMENTS_PER_STEP))
    }

    /// Inserts keys of a snapshot.
    ///
    /// # Errors
    /// A line for the log.
    pub(super) fn insert_keys(&mut self, dataset: &mut Dataset, batch: KeyBatch) -> Result<(), String> {
        let KeyBatch { database, entries, offsets, expired, empty, .. } = batch;
        let Some(index) = usize::try_from(database).ok().filter(|index| *index < self.databases) else {
            return Err(format!(
                "FATAL: Data file was created with a Redis server configured to handle more than {} databases. Exiting",
                self.databases
            ));
        };
        self.keys_loaded += entries.len() as u64;
        self.keys_expired += expired;
        self.keys_empty += empty;
        let count = entries.len();
        match dataset.keyspace.db_mut(index).put_made(&mut entries.into_iter(), count) {
            Some((existing, key)) if !self.merge => Err(format!(
                "Internal error in RDB reading offset {}, Duplicated key found in RDB file: '{}'",
                offsets[existing],
                key.escape_ascii()
            )),
            _ => Ok(()),
        }
    }

    /// Inserts a key of a snapshot that the reader has left as it was read.
    ///
    /// # Errors
    /// A line for the log.
    pub(super) fn insert_big_key(
        &mut self,
        dataset: &mut Dataset,
        database: u64,
        record: KeyRecord,
    ) -> Result<(), String> {
        let mut batch = KeyBatch::new(database);
        let offset = record.offset;
        match self.maker.key(record)? {
            Some(entry) => batch.push(entry, offset, 0),
            None => batch.empty += 1,
        }
        self.insert_keys(dataset, batch)
    }

    /// Takes in a function library of a snapshot.
    ///
    /// # Errors
    /// A line for the log.
    pub(super) fn take_library(&self, dataset: &mut Dataset, code: Vec<u8>) -> Result<(), String> {
        let version = dataset.options.rdb_write_version;
        if !version.has_functions() {
            // Going on without it would lose it at the next save.
            return Err(format!(
                "The RDB file holds function libraries, which 'rdb-write-version {version}' cannot hold: start with \
                 'rdb-write-version 10' or later"
            ));
        }
        match dataset.functions.load(code.into(), self.merge) {
            Ok(name) => {
                tracing::info!(
                    "Function library '{}' is kept; this server does not run functions",
                    String::from_utf8_lossy(&name)
                );
                Ok(())
            }
            Err(error) => Err(format!("Failed loading library, {error}")),
        }
    }

    /// Executes commands of the log.
    ///
    /// # Errors
    /// A line for the log.
    pub(super) fn execute(
        &mut self,
        dataset: &mut Dataset,
        batch: CommandBatch,
        file: &str,
    ) -> Result<(), String> {
        let CommandBatch { entries, mut commands, runs } = batch;
        let mut entries = entries.into_iter();
        for run in runs {
            match run {
                Run::Sets(count) => {
                    dataset.keyspace.db_mut(self.database).put_made(&mut entries, count);
                    self.dirty += count as u64;
                }
                Run::Commands(bytes) => {
                    let bytes = commands.split_to(bytes);
                    self.execute_commands(dataset, &bytes, file)?;
                }
                Run::Created { bytes, dirty } => {
                    let bytes = commands.split_to(bytes);
                    if self.is_new(dataset, &entries) {
                        dataset.keyspace.db_mut(self.database).put_made(&mut entries, 1);
                        self.dirty += dirty;
                    } else {
                        drop(entries.next());
                        self.unused.fetch_add(1, Ordering::Relaxed);
                        self.execute_commands(dataset, &bytes, file)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the next entry's key is not there yet.
    fn is_new(&self, dataset: &Dataset, entries: &IntoIter<MadeEntry>) -> bool {
        let keyspace = &dataset.keyspace;
        let next = entries.as_slice().first();
        next.is_some_and(|entry| keyspace.db(self.database).get(&keyspace.key(entry.key())).is_none())
    }

    fn execute_commands(&mut self, dataset: &mut Dataset, bytes: &Bytes, file: &str) -> Result<(), String> {
        let mut parser = Parser::new();
        let limits = Limits { max_bulk_bytes: usize::MAX, ..Limits::default() };
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let mut batch = std::mem::take(&mut self.batch);
            batch.clear();
            let progress = parser.parse(&rest, &limits, &mut batch, COMMANDS_PER_BATCH);
            for index in 0..batch.len() {
                if index.is_multiple_of(PREFETCHED_COMMANDS) {
                    self.prefetch(dataset, &batch, index, &rest);
                }
                let request = batch.request(index, &rest).with_shared(&rest);
                self.execute_one(dataset, request, file)?;
            }
            self.batch = batch;
            if progress.consumed == 0 {
                let place = rest.len().min(32);
                return Err(format!(
                    "Bad record reading the append only file {file}: \"{}\"",
                    rest[..place].escape_ascii()
                ));
            }
            let _executed = rest.split_to(progress.consumed);
        }
        Ok(())
    }

    /// Asks for the memory of the keys of the next commands. Nearly all name their key first.
    fn prefetch(&self, dataset: &Dataset, batch: &Batch, from: usize, bytes: &Bytes) {
        let database = dataset.keyspace.db(self.database);
        let to = batch.len().min(from + PREFETCHED_COMMANDS);
        let keys = || (from..to).filter_map(|index| batch.request(index, bytes).get(1));
        for key in keys() {
            database.prefetch_segment(&dataset.keyspace.key(key));
        }
        for key in keys() {
            database.prefetch_entry(&dataset.keyspace.key(key));
        }
    }

    fn execute_one(&mut self, dataset: &mut Dataset, request: Request<'_>, file: &str) -> Result<(), String> {
        let name = request.arg(0);
        let unknown =
            || format!("Unknown command '{}' reading the append only file {file}", name.escape_ascii());
        let mut spec = lookup(name).ok_or_else(unknown)?;
        if let Some(subcommand) = request.get(1).filter(|_| !spec.subcommands.is_empty()) {
            spec = spec.subcommand(subcommand).ok_or_else(unknown)?;
        }
        if !check_arity(spec, request.len()) {
            return Err(format!(
                "Wrong number of arguments of '{}' reading the append only file {file}",
                name.escape_ascii()
            ));
        }
        match spec.handler {
            Handler::Data(handler) => return self.run(dataset, handler, request, file),
            Handler::Server(ServerCommand::Select) => return self.select(request, file),
            // A transaction's records come all or none, so there is nothing to wait for at EXEC.
            Handler::Server(_) => {}
            Handler::Container => return Err(unknown()),
        }
        Ok(())
    }

    fn run(
        &mut self,
        dataset: &mut Dataset,
        handler: lastsave_commands::DataCommand,
        request: Request<'_>,
        file: &str,
    ) -> Result<(), String> {
        let errors_before = self.reply.errors();
        let inexpressible_before = dataset.stats.inexpressible;
        let mut depends = Dependency::Nothing;
        let caller = Caller::log(self.database, self.now_ms);
        let context = dataset.context(caller, &mut self.reply, &mut self.effects, &mut depends);
        let mut context = Context { signals: &mut self.unheard, ..context };
        handler(&mut context, request);
        if self.reply.errors() != errors_before {
            tracing::warn!(
                "== CRITICAL == This server is sending an error to its AOF-loading-client: '{}' after processing the \
                 command '{}'",
                String::from_utf8_lossy(&self.reply.to_vec()).trim_end(),
                request.arg(0).escape_ascii()
            );
        }
        self.dirty += self.effects.dirty();
        self.effects.clear();
        self.reply.consume(self.reply.pending());
        if dataset.stats.inexpressible != inexpressible_before {
            // Going on without it would lose it at the next rewrite.
            let version = dataset.options.rdb_write_version;
            if request.arg(0).eq_ignore_ascii_case(b"function") {
                return Err(format!(
                    "The append only file {file} holds function libraries, which 'rdb-write-version {version}' cannot \
                     hold: start with 'rdb-write-version 10' or later"
                ));
            }
            return Err(format!(
                "The append only file {file} makes fields of the hash '{}' expire, which 'rdb-write-version {version}' \
                 cannot hold: start with 'rdb-write-version 12'",
                request.get(1).unwrap_or_default().escape_ascii(),
            ));
        }
        Ok(())
    }

    fn select(&mut self, request: Request<'_>, file: &str) -> Result<(), String> {
        let number =
            request.get(1).and_then(lastsave_resp::parse_integer).and_then(|db| usize::try_from(db).ok());
        match number.filter(|number| *number < self.databases) {
            Some(number) => {
                self.database = number;
                Ok(())
            }
            None => Err(format!(
                "FATAL: the append only file {file} selects a database beyond the {} that this server is configured \
                 for. Exiting",
                self.databases
            )),
        }
    }
}
