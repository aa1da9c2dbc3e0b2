//! What a data command works with, and the lookups every command makes through it.

use lastsave_collections::Hash;
use lastsave_keyspace::{Edited, Entry, Expiry, Key, Keyspace, NewValue, Stored, StringValue, Value};
use lastsave_resp::{OwnedRequest, ReplyBuffer, Request};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::access;
use crate::blocking::{BlockingTable, BlockingWait};
use crate::effects::Effects;
use crate::functions::FunctionLibraries;
use crate::options::{DataOptions, DataStats};
use crate::reply::{Replied, WRONG_TYPE, error};
use crate::signals::{EventClass, Signals};
use crate::spec::CommandSpec;
use crate::watch::WatchTable;

/// What a reply depends on: the log position that must be safe before the reply may leave.
///
/// A write's own effects are not part of it; the server knows where they end in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dependency {
    /// The reply tells nothing about data.
    #[default]
    Nothing,
    /// The reply depends on writes up to this position.
    Mark(u64),
    /// The reply may depend on any write so far.
    Everything,
}

impl Dependency {
    /// Adds a dependency on a position.
    #[inline]
    pub fn on(&mut self, mark: u64) {
        *self = match *self {
            Self::Nothing => Self::Mark(mark),
            Self::Mark(before) => Self::Mark(before.max(mark)),
            Self::Everything => Self::Everything,
        };
    }
}

/// What a command works with. The server makes one per request and looks at effects, dependency and reply afterwards.
#[derive(Debug)]
pub struct Context<'a> {
    /// The data.
    pub keyspace: &'a mut Keyspace,
    /// Function libraries, which belong to no database.
    pub functions: &'a mut FunctionLibraries,
    /// The client's selected database.
    pub db: usize,
    /// Unix time in milliseconds, the same throughout a unit.
    pub now_ms: i64,
    /// Where the reply goes.
    pub reply: &'a mut ReplyBuffer,
    /// What the command changed.
    pub effects: &'a mut Effects,
    /// Who watches which key.
    pub watches: &'a mut WatchTable,
    /// Who waits for which key.
    pub blocking: &'a mut BlockingTable,
    /// The command may ask for its client to be blocked; not so inside MULTI, in scripts and in the log.
    pub may_block: bool,
    /// What the command announces.
    pub signals: &'a mut Signals,
    /// The client, as CLIENT ID tells it.
    pub client_id: u64,
    /// Settings.
    pub options: &'a DataOptions,
    /// Counters.
    pub stats: &'a mut DataStats,
    /// What the reply depends on.
    pub depends: &'a mut Dependency,
    /// A source of random numbers.
    pub random: &'a mut SmallRng,
    /// The request comes from the log: nothing expires, nothing is logged.
    pub replay: bool,
    /// CLIENT NO-TOUCH: lookups leave the access time as it is (TOUCH excepted).
    pub no_touch: bool,
}

/// Executes a data command. The number of arguments was checked before, see [`crate::resolve`].
///
/// Commands of the server ([`crate::Handler::Server`]) and containers are not executed: the result is false.
#[inline]
pub fn execute(spec: &CommandSpec, context: &mut Context<'_>, request: Request<'_>) -> bool {
    match spec.handler {
        crate::Handler::Data(run) => {
            run(context, request);
            true
        }
        crate::Handler::Server(_) | crate::Handler::Container => false,
    }
}

/// What a lookup leaves behind besides its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LookupTraits {
    /// Counts as a hit or miss.
    counted: bool,
    /// Updates the access word.
    touching: bool,
    /// A key that is not there is an event.
    announced: bool,
}

/// The value at a key is of another type than the command works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongType;

/// The string of an entry.
#[inline]
pub(crate) fn string_of<'e>(entry: &Entry<'e>) -> Result<StringValue<'e>, WrongType> {
    match entry.value() {
        Value::String(value) => Ok(value),
        _ => Err(WrongType),
    }
}

#[inline]
fn look_as<T: Stored, R>(
    entry: Option<Entry<'_>>,
    reply: &mut ReplyBuffer,
    look: impl FnOnce(Option<&T>, &mut ReplyBuffer) -> R,
) -> Result<R, Replied> {
    match entry {
        None => Ok(look(None, reply)),
        Some(entry) => match T::of(entry.value()) {
            Some(collection) => Ok(look(Some(collection), reply)),
            None => Err(error(reply, WRONG_TYPE)),
        },
    }
}

/// Most expired fields that are removed by one record of the log.
const EXPIRED_FIELDS_MAX: usize = 1024;

/// Longest value that is copied into the data set; longer ones are kept as part of the request's buffer.
const COPIED_VALUE_BYTES_MAX: usize = 4096;

/// An argument in the form in which SET stores it.
#[inline]
pub(crate) fn new_value(request: Request<'_>, index: usize) -> NewValue<'_> {
    let bytes = request.arg(index);
    if bytes.len() > COPIED_VALUE_BYTES_MAX {
        NewValue::Shared(request.arg_shared(index))
    } else {
        NewValue::encode(bytes)
    }
}

impl Context<'_> {
    /// A source of random numbers of its own, for use while the context is borrowed.
    pub(crate) fn fork_random(&mut self) -> SmallRng {
        SmallRng::from_rng(self.random)
    }

    /// Hashes a key.
    #[inline]
    pub(crate) fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.keyspace.key(bytes)
    }

    /// Whether an expiry has passed. Nothing expires while the log is replayed: its own records say what went away.
    #[inline]
    pub(crate) fn is_past(&self, expires_at_ms: Option<i64>) -> bool {
        match expires_at_ms {
            None => false,
            Some(at) => self.now_ms > at && !self.replay,
        }
    }

    /// Whether a key may not be created with this expiry because its time is already over.
    pub(crate) fn is_over(&self, expires_at_ms: i64) -> bool {
        expires_at_ms <= self.now_ms && !self.replay
    }

    #[inline]
    fn lookup<R>(
        &mut self,
        db: usize,
        key: &Key<'_>,
        traits: LookupTraits,
        look: impl FnOnce(Option<Entry<'_>>, &mut ReplyBuffer) -> R,
    ) -> R {
        let database = self.keyspace.db(db);
        self.depends.on(database.mark(key));
        if let Some(entry) = database.get(key) {
            let past = match entry.expires_at_ms() {
                None => false,
                Some(at) => self.now_ms > at && !self.replay,
            };
            if !past {
                if let Value::Hash(hash) = entry.value()
                    && hash.next_expiry_ms().is_some_and(|at| self.now_ms > at)
                    && !self.replay
                {
                    self.expire_fields(db, key);
                    return self.lookup(db, key, traits, look);
                }
                if traits.counted {
                    self.stats.keyspace_hits += 1;
                }
                if traits.touching && !self.no_touch {
                    entry.set_access(access::touched(entry.access(), self.options, self.now_ms, self.random));
                }
                return look(Some(entry), self.reply);
            }
            self.expire(db, key);
        }
        if traits.announced {
            self.signals.event(db, EventClass::KeyMiss, "keymiss", key.bytes());
        }
        if traits.counted {
            self.stats.keyspace_misses += 1;
        }
        look(None, self.reply)
    }

    /// Looks a key up for reading its value.
    #[inline]
    pub(crate) fn read<R>(
        &mut self,
        key: &Key<'_>,
        look: impl FnOnce(Option<Entry<'_>>, &mut ReplyBuffer) -> R,
    ) -> R {
        self.lookup(self.db, key, LookupTraits { counted: true, touching: true, announced: true }, look)
    }

    /// Looks a key up for facts about it, which is no use of it.
    #[inline]
    pub(crate) fn inspect<R>(
        &mut self,
        key: &Key<'_>,
        look: impl FnOnce(Option<Entry<'_>>, &mut ReplyBuffer) -> R,
    ) -> R {
        self.lookup(self.db, key, LookupTraits { counted: true, touching: false, announced: true }, look)
    }

    /// Looks a key up for what only debugging wants to know: that it is not there is no event.
    #[inline]
    pub(crate) fn examine<R>(
        &mut self,
        key: &Key<'_>,
        look: impl FnOnce(Option<Entry<'_>>, &mut ReplyBuffer) -> R,
    ) -> R {
        self.lookup(self.db, key, LookupTraits { counted: true, touching: false, announced: false }, look)
    }

    /// Looks a key of some database up for changing it.
    #[inline]
    pub(crate) fn find_in<R>(
        &mut self,
        db: usize,
        key: &Key<'_>,
        look: impl FnOnce(Option<Entry<'_>>, &mut ReplyBuffer) -> R,
    ) -> R {
        self.lookup(db, key, LookupTraits { counted: false, touching: true, announced: false }, look)
    }

    /// Looks a key up for changing it.
    #[inline]
    pub(crate) fn find<R>(
        &mut self,
        key: &Key<'_>,
        look: impl FnOnce(Option<Entry<'_>>, &mut ReplyBuffer) -> R,
    ) -> R {
        self.find_in(self.db, key, look)
    }

    /// Looks a collection up for reading it; replies with an error if the key holds another type.
    #[inline]
    pub(crate) fn read_as<T: Stored, R>(
        &mut self,
        key: &Key<'_>,
        look: impl FnOnce(Option<&T>, &mut ReplyBuffer) -> R,
    ) -> Result<R, Replied> {
        self.read(key, |entry, reply| look_as(entry, reply, look))
    }

    /// Looks a collection up for changing it; replies with an error if the key holds another type.
    #[inline]
    pub(crate) fn find_as<T: Stored, R>(
        &mut self,
        key: &Key<'_>,
        look: impl FnOnce(Option<&T>, &mut ReplyBuffer) -> R,
    ) -> Result<R, Replied> {
        self.find(key, |entry, reply| look_as(entry, reply, look))
    }

    /// Changes the collection at a key that [`Self::find_as`] found; the key goes when nothing is left in it. The caller
    /// tells [`Self::modified`] if something changed.
    ///
    /// # Panics
    /// When there is no such collection.
    #[inline]
    pub(crate) fn edit<T: Stored, R>(&mut self, key: &Key<'_>, edit: impl FnOnce(&mut T) -> R) -> Edited<R> {
        self.keyspace.db_mut(self.db).edit(key, edit).expect("the key was found to hold this type")
    }

    /// Changes the collection at a key, which is created if [`Self::find_as`] found no key.
    #[inline]
    pub(crate) fn edit_or_create<T: Stored + Default, R>(
        &mut self,
        key: &Key<'_>,
        edit: impl FnOnce(&mut T) -> R,
    ) -> R {
        let mut edit = Some(edit);
        let existing = self
            .keyspace
            .db_mut(self.db)
            .edit(key, |collection| edit.take().expect("it is called once")(collection));
        if let Some(edited) = existing {
            return edited.result;
        }
        let mut collection = T::default();
        let result = edit.take().expect("it was not called")(&mut collection);
        if !collection.is_empty() {
            self.put(key, collection.into_new(), Expiry::Clear);
        }
        result
    }

    /// Looks a key of some database up for changing it: whether it is there.
    pub(crate) fn exists_in(&mut self, db: usize, key: &Key<'_>) -> bool {
        self.find_in(db, key, |entry, _| entry.is_some())
    }

    /// Removes a key whose time has come, unless that has to wait.
    #[cold]
    pub(crate) fn expire(&mut self, db: usize, key: &Key<'_>) {
        if self.options.is_expiry_paused {
            return;
        }
        self.keyspace.db_mut(db).remove(key);
        self.stats.expired_keys += 1;
        self.effects.command(db, &[self.expire_command(), key.bytes()]);
        self.signals.event(db, EventClass::Expired, "expired", key.bytes());
        self.vanished_in(db, key);
    }

    /// Tells who wants to know that the server itself removed a key of some database.
    pub(crate) fn vanished_in(&mut self, db: usize, key: &Key<'_>) {
        if !self.watches.is_empty() {
            self.touch_watchers(db, key);
        }
        self.signals.vanished(db, key.bytes());
    }

    /// Removes the fields of a hash whose time has come, and the hash if nothing is left of it.
    #[cold]
    pub(crate) fn expire_fields(&mut self, db: usize, key: &Key<'_>) {
        let now_ms = self.now_ms;
        loop {
            let mut database = self.keyspace.db_mut(db);
            let edited = database.edit::<Hash, _>(key, |hash| hash.take_expired(now_ms, EXPIRED_FIELDS_MAX));
            let Some(edited) = edited.filter(|edited| !edited.result.is_empty()) else { return };
            drop(database);
            let mut args: Vec<&[u8]> = vec![b"HDEL", key.bytes()];
            args.extend(edited.result.iter().map(Vec::as_slice));
            self.effects.command(db, &args);
            self.signals.event(db, EventClass::Hash, "hexpired", key.bytes());
            if edited.is_removed {
                self.signals.event(db, EventClass::Generic, "del", key.bytes());
            }
            self.modified_in(db, key);
        }
    }

    /// Removes a key if its time has come. Gives whether it did.
    pub(crate) fn expire_if_past(&mut self, db: usize, key: &Key<'_>) -> bool {
        let database = self.keyspace.db(db);
        self.depends.on(database.mark(key));
        let past = self.is_past(database.get(key).and_then(|entry| entry.expires_at_ms()));
        if past {
            self.expire(db, key);
        }
        past
    }

    /// The command that an expired key's removal is logged as.
    pub(crate) fn expire_command(&self) -> &'static [u8] {
        if self.options.lazyfree_lazy_expire { b"UNLINK" } else { b"DEL" }
    }

    /// Stores a value and makes it the most recently used.
    #[inline]
    pub(crate) fn store(&mut self, key: &Key<'_>, value: NewValue<'_>, expiry: Expiry) {
        self.put(key, value, expiry);
        self.modified(key);
    }

    /// Stores a value and makes it the most recently used, without telling those who want to know.
    #[inline]
    fn put(&mut self, key: &Key<'_>, value: NewValue<'_>, expiry: Expiry) {
        let is_time_of_use = !self.options.maxmemory_policy.is_lfu();
        self.keyspace.set_access_clock(access::fresh(self.options, self.now_ms), is_time_of_use);
        let existed = self.keyspace.db_mut(self.db).set(key, value, expiry);
        if !existed {
            self.created(self.db, key);
        }
    }

    /// Tells who wants to know that a key of the selected database was written or removed.
    #[inline]
    pub(crate) fn modified(&mut self, key: &Key<'_>) {
        self.modified_in(self.db, key);
    }

    /// Tells who wants to know that a key of some database was written or removed.
    #[inline]
    pub(crate) fn modified_in(&mut self, db: usize, key: &Key<'_>) {
        if !self.watches.is_empty() {
            self.touch_watchers(db, key);
        }
        if !self.blocking.is_empty() {
            self.blocking.touch(db, key.bytes());
        }
        self.signals.modified(db, key.bytes());
    }

    /// Lets the client wait for keys of the selected database instead of replying to it; the command will be executed
    /// again, from its start, when one of them is ready. Only where [`Self::may_block`] is set; elsewhere the command
    /// replies what it replies when its time is over.
    pub(crate) fn block<'k>(&mut self, keys: impl IntoIterator<Item = &'k [u8]>, wait: BlockingWait) {
        assert!(self.may_block, "a command that must not block replies");
        self.blocking.block(self.client_id, self.db, keys, wait, None);
    }

    /// The same for a request whose meaning changes with time, such as XREAD with `$`: `request` is executed in its
    /// stead.
    pub(crate) fn block_as<'k>(
        &mut self,
        request: OwnedRequest,
        keys: impl IntoIterator<Item = &'k [u8]>,
        wait: BlockingWait,
    ) {
        assert!(self.may_block, "a command that must not block replies");
        self.blocking.block(self.client_id, self.db, keys, wait, Some(request));
    }

    /// Announces that a key of some database was created. [`Context::store`] does it by itself.
    #[inline]
    pub(crate) fn created(&mut self, db: usize, key: &Key<'_>) {
        self.signals.event(db, EventClass::New, "new", key.bytes());
    }

    /// Announces a keyspace event of a key of the selected database.
    #[inline]
    pub(crate) fn notify(&mut self, class: EventClass, event: &'static str, key: &Key<'_>) {
        self.signals.event(self.db, class, event, key.bytes());
    }

    /// Announces a keyspace event of a key of some database.
    #[inline]
    pub(crate) fn notify_in(&mut self, db: usize, class: EventClass, event: &'static str, key: &Key<'_>) {
        self.signals.event(db, class, event, key.bytes());
    }

    #[cold]
    fn touch_watchers(&mut self, db: usize, key: &Key<'_>) {
        let database = self.keyspace.db(db);
        self.watches.touch(db, key.bytes(), || database.get(key).is_some());
    }

    /// Logs the request as it was sent, as this many changes.
    #[inline]
    pub(crate) fn log_verbatim(&mut self, changes: u64) {
        if !self.replay {
            self.effects.verbatim(self.db);
        }
        self.effects.add_dirty(changes);
    }

    /// Logs another command instead of the request, as this many changes.
    pub(crate) fn log_command(&mut self, args: &[&[u8]], changes: u64) {
        if !self.replay {
            self.effects.command(self.db, args);
        }
        self.effects.add_dirty(changes);
    }

    /// The reply depends on the selected database as a whole.
    pub(crate) fn depend_on_database(&mut self) {
        self.depends.on(self.keyspace.db(self.db).table_mark());
    }
}
