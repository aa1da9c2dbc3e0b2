//! The executor's half of loading: keys are inserted, commands executed.

use bytes::Bytes;
use lastsave_commands::{
    Context, Dependency, Effects, Handler, ServerCommand, Signals, Unstorable, check_arity, lookup,
    with_new_value,
};
use lastsave_keyspace::Expiry;
use lastsave_rdb::{KeyMetadata, KeyRecord};
use lastsave_resp::{Batch, Limits, Parser, Protocol, ReplyBuffer, Request};

use super::PersistenceSettings;
use crate::dataset::Dataset;

/// Commands parsed at once.
const COMMANDS_PER_BATCH: usize = 1024;

/// Inserts what the reader sends.
#[derive(Debug)]
pub(super) struct Applier {
    now_ms: i64,
    databases: usize,
    merge: bool,
    saves_idle: bool,
    saves_frequency: bool,
    /// The database selected in the file of commands.
    database: usize,
    batch: Batch,
    reply: ReplyBuffer,
    effects: Effects,
    /// Nobody hears of what is loaded.
    unheard: Signals,
    keys_loaded: u64,
    keys_expired: u64,
    keys_empty: u64,
    dirty: u64,
}

impl Applier {
    /// `merge`: keys that exist are replaced instead of being an error.
    pub(super) fn new(now_ms: i64, settings: &PersistenceSettings, merge: bool) -> Self {
        Self {
            now_ms,
            databases: settings.databases,
            merge,
            saves_idle: settings.saves_idle,
            saves_frequency: settings.saves_frequency,
            database: 0,
            batch: Batch::new(),
            reply: ReplyBuffer::new(Protocol::Resp2),
            effects: Effects::new(),
            unheard: Signals::new(),
            keys_loaded: 0,
            keys_expired: 0,
            keys_empty: 0,
            dirty: 0,
        }
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

    /// Inserts keys of a snapshot.
    ///
    /// # Errors
    /// A line for the log.
    pub(super) fn insert_keys(
        &mut self,
        dataset: &mut Dataset,
        database: u64,
        keys: Vec<KeyRecord>,
        keep_expired: bool,
    ) -> Result<(), String> {
        let Some(index) = usize::try_from(database).ok().filter(|index| *index < self.databases) else {
            return Err(format!(
                "FATAL: Data file was created with a Redis server configured to handle more than {} databases. Exiting",
                self.databases
            ));
        };
        for record in keys {
            if !keep_expired && record.metadata.expires_at_ms.is_some_and(|at| at < self.now_ms) {
                self.keys_expired += 1;
                continue;
            }
            self.insert_key(dataset, index, record)?;
        }
        Ok(())
    }

    fn insert_key(
        &mut self,
        dataset: &mut Dataset,
        database: usize,
        record: KeyRecord,
    ) -> Result<(), String> {
        let KeyRecord { key, value, metadata, offset, .. } = record;
        let hashed = dataset.keyspace.key(&key);
        let expiry = metadata.expires_at_ms.map_or(Expiry::Clear, Expiry::At);
        let access = self.access_word(&metadata);
        dataset.keyspace.set_access_clock(access, true);
        let mut target = dataset.keyspace.db_mut(database);
        let existed = with_new_value(value, &dataset.options, |value| target.set(&hashed, value, expiry));
        let existed = match existed {
            Ok(existed) => existed,
            Err(Unstorable::Empty) => {
                self.keys_empty += 1;
                tracing::info!("rdbLoadObject skipping empty key: {}", key.escape_ascii());
                return Ok(());
            }
            Err(Unstorable::ExpiringFields) => {
                return Err(format!(
                    "The RDB file holds the hash '{}' at offset {offset}, whose fields expire, which 'rdb-write-version {}' \
                     cannot hold: start with 'rdb-write-version 12'",
                    key.escape_ascii(),
                    dataset.options.rdb_write_version
                ));
            }
            Err(fault) => {
                return Err(format!(
                    "Internal error in RDB reading offset {offset}, {fault}: '{}'",
                    key.escape_ascii()
                ));
            }
        };
        if existed && !self.merge {
            return Err(format!(
                "Internal error in RDB reading offset {offset}, Duplicated key found in RDB file: '{}'",
                key.escape_ascii()
            ));
        }
        self.keys_loaded += 1;
        Ok(())
    }

    /// The access word of a loaded key: as it was when that was saved and is wanted now, else as if just used.
    fn access_word(&self, metadata: &KeyMetadata) -> u32 {
        let clock = (self.now_ms / 1000) as u32 & 0x00ff_ffff;
        if self.saves_frequency {
            let minutes = ((self.now_ms / 60_000) as u32 & 0xffff) << 8;
            return minutes | u32::from(metadata.frequency.unwrap_or(5));
        }
        match metadata.idle_seconds {
            Some(idle) if self.saves_idle => clock.wrapping_sub(idle.min(0x00ff_ffff) as u32) & 0x00ff_ffff,
            _ => clock,
        }
    }

    /// Executes commands of the log.
    ///
    /// # Errors
    /// A line for the log.
    pub(super) fn execute(&mut self, dataset: &mut Dataset, bytes: &Bytes, file: &str) -> Result<(), String> {
        let mut parser = Parser::new();
        let limits = Limits { max_bulk_bytes: usize::MAX, ..Limits::default() };
        let mut rest = bytes.clone();
        while !rest.is_empty() {
            let mut batch = std::mem::take(&mut self.batch);
            batch.clear();
            let progress = parser.parse(&rest, &limits, &mut batch, COMMANDS_PER_BATCH);
            for index in 0..batch.len() {
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
        let mut context = Context {
            keyspace: &mut dataset.keyspace,
            db: self.database,
            now_ms: self.now_ms,
            reply: &mut self.reply,
            effects: &mut self.effects,
            watches: &mut dataset.watches,
            blocking: &mut dataset.blocking,
            may_block: false,
            signals: &mut self.unheard,
            client_id: 0,
            options: &dataset.options,
            stats: &mut dataset.stats,
            depends: &mut depends,
            random: &mut dataset.random,
            replay: true,
            no_touch: false,
        };
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
            return Err(format!(
                "The append only file {file} makes fields of the hash '{}' expire, which 'rdb-write-version {}' cannot \
                 hold: start with 'rdb-write-version 12'",
                request.get(1).unwrap_or_default().escape_ascii(),
                dataset.options.rdb_write_version
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
