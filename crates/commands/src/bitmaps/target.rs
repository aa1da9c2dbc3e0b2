//! The string whose bits a command reads or writes, and the arguments that say which.

use lastsave_keyspace::{Encoding, Expiry, Key, NewValue};
use lastsave_resp::{ReplyBuffer, parse_integer};

use crate::context::{Context, string_of};
use crate::reply::{Replied, WRONG_TYPE, error};

/// Offsets up to this byte may be in any log, whatever the limit is now.
const REPLAYED_STRING_BYTES: u64 = 512 * 1024 * 1024;

/// A string longer than this is handed over instead of being copied.
const COPIED_VALUE_BYTES_MAX: usize = 4096;

/// An argument as the offset of a bit, or an error. With a `field_bits`, `#3` means the third field of that width.
pub(super) fn offset_argument(
    context: &mut Context<'_>,
    argument: &[u8],
    field_bits: Option<u64>,
) -> Result<u64, Replied> {
    let limit = context.options.proto_max_bulk_bytes;
    let limit = if context.replay { limit.max(REPLAYED_STRING_BYTES) } else { limit };
    let (digits, width) = match (argument, field_bits) {
        ([b'#', digits @ ..], Some(bits)) => (digits, bits),
        _ => (argument, 1),
    };
    parse_integer(digits)
        .and_then(|number| u64::try_from(number).ok())
        .and_then(|number| number.checked_mul(width))
        .filter(|offset| i64::try_from(*offset).is_ok() && offset / 8 < limit)
        .ok_or_else(|| error(context.reply, "ERR bit offset is not an integer or out of range"))
}

/// A string before bits of it are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    /// Its length, when there is one.
    pub(super) len: Option<usize>,
    /// The byte asked for; 0 beyond its end.
    pub(super) byte: u8,
    raw: bool,
}

/// Looks up the string whose bits are about to be written, and its byte at `index`.
pub(super) fn find_target(context: &mut Context<'_>, key: &Key<'_>, index: usize) -> Result<Target, Replied> {
    context.find(key, |entry, reply| match entry {
        None => Ok(Target { len: None, byte: 0, raw: true }),
        Some(entry) => match string_of(&entry) {
            Err(_) => Err(error(reply, WRONG_TYPE)),
            Ok(value) => {
                let mut buffer = lastsave_keyspace::IntegerBuffer::new();
                let text = value.to_text(&mut buffer);
                let byte = text.get(index).copied().unwrap_or(0);
                Ok(Target { len: Some(text.len()), byte, raw: entry.encoding() == Encoding::Raw })
            }
        },
    })
}

impl Target {
    /// Makes the string at least `len` bytes long, with zeros at its end, and its encoding `raw` in any case. Gives
    /// whether it grew.
    pub(super) fn reserve(&self, context: &mut Context<'_>, key: &Key<'_>, len: usize) -> bool {
        match self.len {
            None => {
                let zeros = vec![0; len];
                let value = if len > COPIED_VALUE_BYTES_MAX {
                    NewValue::Shared(zeros.into())
                } else {
                    NewValue::Raw(&zeros)
                };
                context.store(key, value, Expiry::Clear);
                true
            }
            Some(before) if before < len => {
                context.keyspace.db_mut(context.db).write_range(key, len - 1, &[0]);
                true
            }
            Some(_) => {
                if !self.raw {
                    context.keyspace.db_mut(context.db).write_range(key, 0, &[]);
                }
                false
            }
        }
    }
}

/// The bytes at `index` of a string that was just found to be one, with zeros beyond its end.
pub(super) fn read_window<const LEN: usize>(context: &Context<'_>, key: &Key<'_>, index: usize) -> [u8; LEN] {
    let mut window = [0; LEN];
    let entry = context.keyspace.db(context.db).get(key);
    if let Some(Ok(value)) = entry.map(|entry| string_of(&entry)) {
        let mut buffer = lastsave_keyspace::IntegerBuffer::new();
        let text = value.to_text(&mut buffer);
        let found = text.get(index..text.len().min(index + LEN)).unwrap_or_default();
        window[..found.len()].copy_from_slice(found);
    }
    window
}

/// Calls `look` with the bytes of the string at a key, none when there is no key, or replies that it is no string.
pub(super) fn read_text(
    context: &mut Context<'_>,
    key: &Key<'_>,
    look: impl FnOnce(&[u8], &mut ReplyBuffer),
) {
    context.read(key, |entry, reply| match entry.map(|entry| string_of(&entry)) {
        None => look(&[], reply),
        Some(Ok(value)) => look(value.to_text(&mut lastsave_keyspace::IntegerBuffer::new()), reply),
        Some(Err(_)) => reply.error(WRONG_TYPE),
    });
}
