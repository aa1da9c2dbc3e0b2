//! Making entries of what was read, on the reader's thread: the executor only puts them in.

use lastsave_aof::Record;
use lastsave_commands::{DataOptions, Unstorable, new_string, with_new_value};
use lastsave_keyspace::{Entry, EntryMaker, MadeEntry, NewValue};
use lastsave_rdb::{KeyMetadata, KeyRecord, StringRecord};

use super::PersistenceSettings;
use crate::dataset::Dataset;

/// A value of SET beyond this is left to the command, which shares it with the bytes that were read.
const SET_VALUE_BYTES_MAX: usize = 4096;

/// Makes entries of keys, with what is configured about them when loading starts.
#[derive(Debug, Clone)]
pub(super) struct KeyMaker {
    entries: EntryMaker,
    options: DataOptions,
    now_ms: i64,
    saves_idle: bool,
    saves_frequency: bool,
}

impl KeyMaker {
    pub(super) fn new(dataset: &Dataset, settings: &PersistenceSettings, now_ms: i64) -> Self {
        Self {
            entries: dataset.keyspace.entry_maker(),
            options: dataset.options.clone(),
            now_ms,
            saves_idle: settings.saves_idle,
            saves_frequency: settings.saves_frequency,
        }
    }

    /// Whether a key is not loaded because its time has passed.
    pub(super) fn has_expired(&self, metadata: &KeyMetadata) -> bool {
        metadata.expires_at_ms.is_some_and(|at| at < self.now_ms)
    }

    /// The entry of a key with a string.
    pub(super) fn string(&self, record: &StringRecord<'_>) -> MadeEntry {
        let access = self.access_word(&record.metadata);
        self.entries.make(record.key, new_string(record.value), record.metadata.expires_at_ms, access)
    }

    /// The entry of any key; none for an empty collection, which is no key.
    ///
    /// # Errors
    /// A line for the log.
    pub(super) fn key(&self, record: KeyRecord) -> Result<Option<MadeEntry>, String> {
        let KeyRecord { key, value, metadata, offset, .. } = record;
        let access = self.access_word(&metadata);
        let make = |value: NewValue<'_>| self.entries.make(&key, value, metadata.expires_at_ms, access);
        match with_new_value(value, &self.options, make) {
            Ok(entry) => Ok(Some(entry)),
            Err(Unstorable::Empty) => {
                tracing::info!("rdbLoadObject skipping empty key: {}", key.escape_ascii());
                Ok(None)
            }
            Err(Unstorable::ExpiringFields) => Err(format!(
                "The RDB file holds the hash '{}' at offset {offset}, whose fields expire, which 'rdb-write-version {}' \
                 cannot hold: start with 'rdb-write-version 12'",
                key.escape_ascii(),
                self.options.rdb_write_version
            )),
            Err(fault) => {
                let key = key.escape_ascii();
                Err(format!("Internal error in RDB reading offset {offset}, {fault}: '{key}'"))
            }
        }
    }

    /// The entry that a plain SET leaves, if the record is one. Under a policy that counts accesses, it depends on the
    /// key that is there, and the command is executed.
    pub(super) fn set(&self, record: &Record<'_>) -> Option<MadeEntry> {
        let is_set = record.len() == 3 && record.argument(0).eq_ignore_ascii_case(b"SET");
        if !is_set || self.saves_frequency || record.argument(2).len() > SET_VALUE_BYTES_MAX {
            return None;
        }
        let access = self.access_word(&KeyMetadata::default());
        Some(self.entries.make(record.argument(1), NewValue::encode(record.argument(2)), None, access))
    }

    /// An entry like this one of another dataset. What is big is shared.
    pub(super) fn copy(&self, entry: &Entry<'_>) -> MadeEntry {
        let access = self.access_word(&KeyMetadata::default());
        self.entries.make(entry.key(), entry.value().to_new(entry.encoding()), entry.expires_at_ms(), access)
    }

    pub(super) fn options(&self) -> &DataOptions {
        &self.options
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.now_ms
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
}
