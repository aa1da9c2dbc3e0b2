//! Removes the fields of hashes whose time has come although nobody asks for them.
//!
//! Nothing tells which hashes have such fields, so all keys are looked at, some in every cycle. That is done only with
//! `rdb-write-version 12`, without which no field can expire.

use lastsave_keyspace::{Keyspace, Value};
use lastsave_rdb::RdbVersion;

use crate::context::Context;

/// Keys looked at in one cycle at the lowest effort.
const KEYS_PER_CYCLE: usize = 2000;

/// Where the sweep is; one per keyspace.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FieldSweep {
    db: usize,
    cursor: u64,
}

impl FieldSweep {
    /// Looks at some keys and removes the fields that are past their time.
    pub(crate) fn sweep(&mut self, context: &mut Context<'_>, effort: u32) {
        if context.options.rdb_write_version < RdbVersion::V12 {
            return;
        }
        let databases = context.keyspace.databases();
        let keys_max = KEYS_PER_CYCLE * (effort as usize + 1);
        let (mut visited, mut started) = (0, 0);
        // Once around at most.
        while visited < keys_max && started <= databases {
            let db = self.db % databases;
            let now_ms = context.now_ms;
            let mut due: Vec<Vec<u8>> = Vec::new();
            self.cursor = context.keyspace.db(db).scan(self.cursor, |entry| {
                visited += 1;
                if let Value::Hash(hash) = entry.value()
                    && hash.next_expiry_ms().is_some_and(|at| now_ms > at)
                {
                    due.push(entry.key().to_vec());
                }
            });
            for name in due {
                let key = context.key(&name);
                context.expire_fields(db, &key);
            }
            if self.cursor == 0 {
                self.db = (db + 1) % databases;
                started += 1;
            }
        }
    }
}

/// Whether any hash has fields that expire, which only version 12 of the RDB format can hold.
#[must_use]
pub fn has_expiring_fields(keyspace: &Keyspace) -> bool {
    (0..keyspace.databases()).any(|db| {
        let mut entries = keyspace.db(db).iter();
        entries.any(|entry| matches!(entry.value(), Value::Hash(hash) if hash.expiring_len() > 0))
    })
}
