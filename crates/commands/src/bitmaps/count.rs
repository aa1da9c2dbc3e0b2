//! Counting and finding bits: BITCOUNT, BITPOS.

use lastsave_resp::{ReplyBuffer, Request};

use super::scan::{BitRange, count_ones, count_ones_in, find_bit_in};
use crate::context::{Context, string_of};
use crate::reply::{Replied, SYNTAX_ERROR, WRONG_TYPE, error, integer_argument};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[BITCOUNT, BITPOS];

/// What the ends of a range count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

/// An argument that says what the ends of a range count, or an error.
fn unit_argument(reply: &mut ReplyBuffer, argument: &[u8]) -> Result<Unit, Replied> {
    if argument.eq_ignore_ascii_case(b"bit") {
        Ok(Unit::Bit)
    } else if argument.eq_ignore_ascii_case(b"byte") {
        Ok(Unit::Byte)
    } else {
        Err(error(reply, SYNTAX_ERROR))
    }
}

/// The bits from `start` to `end`, both counted from the end when negative; nothing when there are none.
fn range_of(text: &[u8], start: i64, end: i64, unit: Unit) -> Option<BitRange> {
    let bits_per_unit = if unit == Unit::Bit { 1 } else { 8 };
    let len = text.len() as i64 * 8 / bits_per_unit;
    let from_end = |at: i64| if at < 0 { at.saturating_add(len).max(0) } else { at };
    let (start, end) = (from_end(start), from_end(end).min(len - 1));
    (start <= end).then(|| BitRange {
        first: (start * bits_per_unit) as u64,
        last: ((end + 1) * bits_per_unit - 1) as u64,
    })
}

const BITCOUNT: CommandSpec = CommandSpec {
    summary: "Counts the number of set bits (population counting) in a string.",
    complexity: "O(N)",
    since: "2.6.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::BITMAP,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::block(
            "range",
            &[
                Argument::integer("start"),
                Argument::integer("end"),
                Argument::one_of(
                    "unit",
                    &[Argument::pure_token("byte", "BYTE"), Argument::pure_token("bit", "BIT")],
                )
                .since("7.0.0")
                .optional(),
            ],
        )
        .optional(),
    ],
    ..CommandSpec::new("bitcount", Group::Bitmap, Handler::Data(bitcount))
};

fn bitcount(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    context.read(&key, |entry, reply| {
        let Some(entry) = entry else { return reply.integer(0) };
        let Ok(value) = string_of(&entry) else { return reply.error(WRONG_TYPE) };
        let mut buffer = lastsave_keyspace::IntegerBuffer::new();
        if let Ok(count) = count_in(value.to_text(&mut buffer), reply, request) {
            reply.integer(count as i64);
        }
    });
}

fn count_in(text: &[u8], reply: &mut ReplyBuffer, request: Request<'_>) -> Result<u64, Replied> {
    match request.len() {
        2 => return Ok(count_ones(text)),
        4 | 5 => {}
        _ => return Err(error(reply, SYNTAX_ERROR)),
    }
    let start = integer_argument(reply, request.arg(2))?;
    let end = integer_argument(reply, request.arg(3))?;
    if start < 0 && end < 0 && start > end {
        return Ok(0);
    }
    let unit = request.get(4).map_or(Ok(Unit::Byte), |word| unit_argument(reply, word))?;
    Ok(range_of(text, start, end, unit).map_or(0, |range| count_ones_in(text, range)))
}

const BITPOS: CommandSpec = CommandSpec {
    summary: "Finds the first set (1) or clear (0) bit in a string.",
    complexity: "O(N)",
    since: "2.8.7",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::BITMAP,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[("7.0.0", "Added the `BYTE|BIT` option.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("bit"),
        Argument::block(
            "range",
            &[
                Argument::integer("start"),
                Argument::block(
                    "end-unit-block",
                    &[
                        Argument::integer("end"),
                        Argument::one_of(
                            "unit",
                            &[Argument::pure_token("byte", "BYTE"), Argument::pure_token("bit", "BIT")],
                        )
                        .since("7.0.0")
                        .optional(),
                    ],
                )
                .optional(),
            ],
        )
        .optional(),
    ],
    ..CommandSpec::new("bitpos", Group::Bitmap, Handler::Data(bitpos))
};

fn bitpos(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(bit) = integer_argument(context.reply, request.arg(2)) else { return };
    let bit = match bit {
        0 => false,
        1 => true,
        _ => return context.reply.error("ERR The bit argument must be 1 or 0."),
    };
    let key = context.key(request.arg(1));
    context.read(&key, |entry, reply| {
        let Some(entry) = entry else { return reply.integer(if bit { -1 } else { 0 }) };
        let Ok(value) = string_of(&entry) else { return reply.error(WRONG_TYPE) };
        let mut buffer = lastsave_keyspace::IntegerBuffer::new();
        if let Ok(position) = position_in(value.to_text(&mut buffer), bit, reply, request) {
            reply.integer(position);
        }
    });
}

fn position_in(
    text: &[u8],
    bit: bool,
    reply: &mut ReplyBuffer,
    request: Request<'_>,
) -> Result<i64, Replied> {
    if request.len() > 6 {
        return Err(error(reply, SYNTAX_ERROR));
    }
    let start = request.get(3).map_or(Ok(0), |argument| integer_argument(reply, argument))?;
    let unit = request.get(5).map_or(Ok(Unit::Byte), |word| unit_argument(reply, word))?;
    let end = request.get(4).map(|argument| integer_argument(reply, argument)).transpose()?;
    let Some(range) = range_of(text, start, end.unwrap_or(-1), unit) else { return Ok(-1) };
    let found = find_bit_in(text, range, bit).map(|at| at as i64);
    // Without an end the string is as if zeros followed it.
    let beyond = if !bit && end.is_none() { range.last as i64 + 1 } else { -1 };
    Ok(found.unwrap_or(beyond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_count_bytes_or_bits_from_either_end() {
        let text = [0; 4];
        let range =
            |start, end, unit| range_of(&text, start, end, unit).map(|range| (range.first, range.last));
        assert_eq!(range(0, -1, Unit::Byte), Some((0, 31)));
        assert_eq!(range(1, 1, Unit::Byte), Some((8, 15)));
        assert_eq!(range(-2, 100, Unit::Byte), Some((16, 31)));
        assert_eq!(range(5, -4, Unit::Bit), Some((5, 28)));
        assert_eq!(range(2, 1, Unit::Byte), None);
        assert_eq!(range(i64::MIN, i64::MAX, Unit::Bit), Some((0, 31)));
        assert_eq!(range(i64::MAX, i64::MAX, Unit::Byte), None);
        assert_eq!(range_of(&[], 0, -1, Unit::Byte), None);
    }
}
