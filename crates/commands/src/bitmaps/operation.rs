//! Bitwise operations between strings: BITOP.

use std::ops::{BitAndAssign, BitOrAssign, BitXorAssign};

use bytes::Bytes;
use lastsave_keyspace::{Expiry, IntegerBuffer, NewValue, StringValue};
use lastsave_resp::Request;

use crate::context::{Context, string_of};
use crate::reply::{SYNTAX_ERROR, WRONG_TYPE};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[BITOP];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    And,
    Or,
    Xor,
    Not,
}

impl Operation {
    const NAMES: [(&'static [u8], Self); 4] =
        [(b"and", Self::And), (b"or", Self::Or), (b"xor", Self::Xor), (b"not", Self::Not)];

    fn parse(word: &[u8]) -> Option<Self> {
        Self::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, operation)| *operation)
    }

    /// The operation on all sources; shorter ones are as if zeros followed them.
    fn apply(self, sources: &[Bytes]) -> Vec<u8> {
        let len = sources.iter().map(Bytes::len).max().unwrap_or(0);
        let mut result = Vec::with_capacity(len);
        let Some((first, others)) = sources.split_first() else { return result };
        result.extend_from_slice(first);
        result.resize(len, 0);
        for source in others {
            match self {
                Self::And => {
                    let (shared, beyond) = result.split_at_mut(source.len());
                    combine(shared, source, u8::bitand_assign);
                    beyond.fill(0);
                }
                Self::Or => combine(&mut result, source, u8::bitor_assign),
                Self::Xor => combine(&mut result, source, u8::bitxor_assign),
                Self::Not => unreachable!("NOT has one source"),
            }
        }
        if self == Self::Not {
            result.iter_mut().for_each(|byte| *byte = !*byte);
        }
        result
    }
}

/// Changes each byte of `target` by the byte of `source` beside it. The compiler makes this wide registers.
fn combine(target: &mut [u8], source: &[u8], change: impl Fn(&mut u8, u8)) {
    for (target, source) in target.iter_mut().zip(source) {
        change(target, *source);
    }
}

const BITOP: CommandSpec = CommandSpec {
    summary: "Performs bitwise operations on multiple strings, and stores the result.",
    complexity: "O(N)",
    since: "2.6.0",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::BITMAP,
    key_specs: &[
        KeySpec::range(2, 0, 1, KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::range(3, -1, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[
        Argument::one_of(
            "operation",
            &[
                Argument::pure_token("and", "AND"),
                Argument::pure_token("or", "OR"),
                Argument::pure_token("xor", "XOR"),
                Argument::pure_token("not", "NOT"),
            ],
        ),
        Argument::key("destkey", 0),
        Argument::key("key", 1).multiple(),
    ],
    ..CommandSpec::new("bitop", Group::Bitmap, Handler::Data(bitop))
};

fn bitop(context: &mut Context<'_>, request: Request<'_>) {
    let Some(operation) = Operation::parse(request.arg(1)) else { return context.reply.error(SYNTAX_ERROR) };
    if operation == Operation::Not && request.len() != 4 {
        return context.reply.error("ERR BITOP NOT must be called with a single source key.");
    }
    let mut sources = Vec::with_capacity(request.len() - 3);
    for index in 3..request.len() {
        match source(context, request.arg(index)) {
            Some(bytes) => sources.push(bytes),
            None => return context.reply.error(WRONG_TYPE),
        }
    }
    let result = operation.apply(&sources);
    let len = result.len();
    let target = context.key(request.arg(2));
    if len > 0 {
        let value = if len > STORED_INSIDE_BYTES_MAX {
            NewValue::Shared(result.into())
        } else {
            NewValue::Raw(&result)
        };
        context.store(&target, value, Expiry::Clear);
        context.notify(EventClass::String, "set", &target);
        context.log_verbatim(1);
    } else if context.exists_in(context.db, &target) {
        context.keyspace.db_mut(context.db).remove(&target);
        context.modified(&target);
        context.notify(EventClass::Generic, "del", &target);
        context.log_verbatim(1);
    }
    context.reply.integer(len as i64);
}

/// Longer results are handed over instead of being copied.
const STORED_INSIDE_BYTES_MAX: usize = 4096;

/// The bytes of the string at a key, none when there is no key; nothing when it is no string.
fn source(context: &mut Context<'_>, name: &[u8]) -> Option<Bytes> {
    let key = context.key(name);
    context.read(&key, |entry, _| match entry.map(|entry| string_of(&entry)) {
        None => Some(Bytes::new()),
        Some(Ok(StringValue::Shared(bytes))) => Some(bytes.clone()),
        Some(Ok(value)) => Some(Bytes::copy_from_slice(value.to_text(&mut IntegerBuffer::new()))),
        Some(Err(_)) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_byte_is_combined_as_if_zeros_followed(
            sources in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..5),
        ) {
            let len = sources.iter().map(Vec::len).max().unwrap_or(0);
            let byte = |source: &Vec<u8>, at| source.get(at).copied().unwrap_or(0_u8);
            let bytes: Vec<Bytes> = sources.iter().cloned().map(Bytes::from).collect();
            let expect = |start: u8, combine: fn(u8, u8) -> u8| -> Vec<u8> {
                (0..len)
                    .map(|at| sources.iter().map(|source| byte(source, at)).fold(start, combine))
                    .collect()
            };
            prop_assert_eq!(Operation::And.apply(&bytes), expect(0xff, |one, other| one & other));
            prop_assert_eq!(Operation::Or.apply(&bytes), expect(0, |one, other| one | other));
            prop_assert_eq!(Operation::Xor.apply(&bytes), expect(0, |one, other| one ^ other));
            let not = Operation::Not.apply(&bytes[..1]);
            prop_assert!(not.iter().zip(&sources[0]).all(|(one, other)| *one == !other));
        }
    }
}
