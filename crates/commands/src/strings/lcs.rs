//! LCS: the longest common subsequence of two strings.

use lastsave_keyspace::IntegerBuffer;
use lastsave_resp::{Aggregate, ReplyBuffer, Request};

use crate::context::{Context, string_of};
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[LCS];

const LCS: CommandSpec = CommandSpec {
    summary: "Finds the longest common substring.",
    complexity: "O(N*M) where N and M are the lengths of s1 and s2, respectively",
    since: "7.0.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::STRING,
    key_specs: &[KeySpec::range(1, 1, 1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::key("key1", 0),
        Argument::key("key2", 0),
        Argument::pure_token("len", "LEN").optional(),
        Argument::pure_token("idx", "IDX").optional(),
        Argument::integer("min-match-len").token("MINMATCHLEN").optional(),
        Argument::pure_token("withmatchlen", "WITHMATCHLEN").optional(),
    ],
    ..CommandSpec::new("lcs", Group::String, Handler::Data(lcs))
};

#[derive(Debug, Clone, Copy, Default)]
struct Options {
    length: bool,
    indexes: bool,
    with_match_len: bool,
    match_len_min: u64,
}

fn lcs(context: &mut Context<'_>, request: Request<'_>) {
    // Both are looked up before either is judged, as each lookup counts.
    let texts = [1, 2].map(|index| {
        let key = context.key(request.arg(index));
        context.read(&key, |entry, _| match entry.map(|entry| string_of(&entry)) {
            None => Ok(Vec::new()),
            Some(value) => value.map(|value| value.to_text(&mut IntegerBuffer::new()).to_vec()),
        })
    });
    let [Ok(first), Ok(second)] = texts else {
        return context.reply.error("ERR The specified keys must contain string values");
    };
    let Ok(options) = parse(context.reply, request) else { return };
    if options.length && options.indexes {
        let text = "ERR If you want both the length and indexes, please just use IDX.";
        return context.reply.error(text);
    }
    if [&first, &second].iter().any(|text| text.len() >= u32::MAX as usize - 1) {
        return context.reply.error("ERR String too long for LCS");
    }
    // Cannot overflow: both lengths are below 2^32.
    let cells = (first.len() as u64 + 1) * (second.len() as u64 + 1);
    if cells.saturating_mul(size_of::<u32>() as u64) > context.options.proto_max_bulk_bytes {
        let text = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
        return context.reply.error(text);
    }
    let Some(table) = Table::build(&first, &second) else {
        let text = "ERR Insufficient memory, failed allocating transient memory for LCS";
        return context.reply.error(text);
    };
    if options.indexes {
        reply_matches(context.reply, &table, &options);
    } else if options.length {
        context.reply.integer(i64::from(table.at(first.len(), second.len())));
    } else {
        context.reply.bulk(&table.subsequence());
    }
}

fn parse(reply: &mut ReplyBuffer, request: Request<'_>) -> Result<Options, Replied> {
    let mut options = Options::default();
    let mut index = 3;
    while index < request.len() {
        let word = request.arg(index);
        if word.eq_ignore_ascii_case(b"idx") {
            options.indexes = true;
        } else if word.eq_ignore_ascii_case(b"len") {
            options.length = true;
        } else if word.eq_ignore_ascii_case(b"withmatchlen") {
            options.with_match_len = true;
        } else if word.eq_ignore_ascii_case(b"minmatchlen") && index + 1 < request.len() {
            let number = integer_argument(reply, request.arg(index + 1))?;
            options.match_len_min = u64::try_from(number).unwrap_or(0);
            index += 1;
        } else {
            return Err(error(reply, SYNTAX_ERROR));
        }
        index += 1;
    }
    Ok(options)
}

/// Lengths of the longest common subsequences of all pairs of prefixes.
struct Table<'a> {
    first: &'a [u8],
    second: &'a [u8],
    cells: Vec<u32>,
}

/// A stretch of equal bytes: where it is in either string, and its length, which is not 0.
struct Match {
    first: usize,
    second: usize,
    len: usize,
}

impl<'a> Table<'a> {
    fn build(first: &'a [u8], second: &'a [u8]) -> Option<Self> {
        let width = second.len() + 1;
        let mut cells = Vec::new();
        cells.try_reserve_exact(width * (first.len() + 1)).ok()?;
        cells.resize(width * (first.len() + 1), 0_u32);
        for (row, byte) in first.iter().enumerate() {
            let (above, below) = cells.split_at_mut((row + 1) * width);
            let above = &above[row * width..];
            for (column, other) in second.iter().enumerate() {
                below[column + 1] =
                    if byte == other { above[column] + 1 } else { above[column + 1].max(below[column]) };
            }
        }
        Some(Self { first, second, cells })
    }

    fn at(&self, first_len: usize, second_len: usize) -> u32 {
        self.cells[first_len * (self.second.len() + 1) + second_len]
    }

    /// Walks back from the end of both strings: calls `visit` with each pair of positions whose bytes are in the
    /// subsequence, last first.
    fn walk_back(&self, mut visit: impl FnMut(usize, usize)) {
        let (mut row, mut column) = (self.first.len(), self.second.len());
        while row > 0 && column > 0 {
            if self.first[row - 1] == self.second[column - 1] {
                row -= 1;
                column -= 1;
                visit(row, column);
            } else if self.at(row - 1, column) > self.at(row, column - 1) {
                row -= 1;
            } else {
                column -= 1;
            }
        }
    }

    fn subsequence(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.at(self.first.len(), self.second.len()) as usize);
        self.walk_back(|first, _| bytes.push(self.first[first]));
        bytes.reverse();
        bytes
    }

    /// The subsequence as stretches, last first.
    fn matches(&self) -> Vec<Match> {
        let mut matches: Vec<Match> = Vec::new();
        self.walk_back(|first, second| match matches.last_mut() {
            Some(last) if last.first == first + 1 && last.second == second + 1 => {
                *last = Match { first, second, len: last.len + 1 };
            }
            _ => matches.push(Match { first, second, len: 1 }),
        });
        matches
    }
}

fn reply_matches(reply: &mut ReplyBuffer, table: &Table<'_>, options: &Options) {
    reply.map(2);
    reply.bulk(b"matches");
    let mark = reply.produced();
    let mut count = 0;
    for found in table.matches().iter().filter(|found| found.len as u64 >= options.match_len_min) {
        reply.array(if options.with_match_len { 3 } else { 2 });
        for start in [found.first, found.second] {
            reply.array(2);
            reply.integer(start as i64);
            reply.integer((start + found.len - 1) as i64);
        }
        if options.with_match_len {
            reply.integer(found.len as i64);
        }
        count += 1;
    }
    reply.insert_aggregate(mark, Aggregate::Array, count);
    reply.bulk(b"len");
    reply.integer(i64::from(table.at(table.first.len(), table.second.len())));
}
