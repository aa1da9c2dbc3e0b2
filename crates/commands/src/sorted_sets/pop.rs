//! Taking the lowest or highest elements out of sorted sets.

use lastsave_collections::SortedSet;
use lastsave_keyspace::Key;
use lastsave_resp::{Protocol, ReplyBuffer, Request, parse_integer};

use super::remove_ranks;
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, element, error};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[ZPOPMIN, ZPOPMAX, ZMPOP];

const ZPOPMIN: CommandSpec = CommandSpec {
    summary: "Returns the lowest-scoring members from a sorted set after removing them. Deletes \
         the sorted set if the last member was popped.",
    complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the \
         number of elements popped.",
    since: "5.0.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::integer("count").optional()],
    ..CommandSpec::new("zpopmin", Group::SortedSet, Handler::Data(zpopmin))
};

fn zpopmin(context: &mut Context<'_>, request: Request<'_>) {
    pop_from_one(context, request, End::Lowest);
}

const ZPOPMAX: CommandSpec = CommandSpec {
    summary: "Returns the highest-scoring members from a sorted set after removing them. Deletes \
         the sorted set if the last member was popped.",
    complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the \
         number of elements popped.",
    since: "5.0.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::integer("count").optional()],
    ..CommandSpec::new("zpopmax", Group::SortedSet, Handler::Data(zpopmax))
};

fn zpopmax(context: &mut Context<'_>, request: Request<'_>) {
    pop_from_one(context, request, End::Highest);
}

const ZMPOP: CommandSpec = CommandSpec {
    summary: "Returns the highest- or lowest-scoring members from one or more sorted sets after \
         removing them. Deletes the sorted set if the last member was popped.",
    complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of \
         elements in the sorted set, and M being the number of elements popped.",
    since: "7.0.0",
    arity: -4,
    flags: Flags::WRITE,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::counted(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    arguments: &[
        Argument::integer("numkeys"),
        Argument::key("key", 0).multiple(),
        Argument::one_of("where", &[Argument::pure_token("min", "MIN"), Argument::pure_token("max", "MAX")]),
        Argument::integer("count").token("COUNT").optional(),
    ],
    ..CommandSpec::new("zmpop", Group::SortedSet, Handler::Data(zmpop))
};

fn zmpop(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = parse_mpop(context.reply, request, 1) else { return };
    let names = request.args().skip(2).take(options.keys);
    if let Ok(false) = pop_first(context, names, &options) {
        context.reply.null_array();
    }
}

/// From which end elements are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Lowest,
    Highest,
}

impl End {
    /// The plain command that takes elements from this end.
    pub(crate) fn pop_command(self) -> &'static [u8] {
        match self {
            Self::Lowest => b"ZPOPMIN",
            Self::Highest => b"ZPOPMAX",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::Lowest => "zpopmin",
            Self::Highest => "zpopmax",
        }
    }
}

fn pop_from_one(context: &mut Context<'_>, request: Request<'_>, end: End) {
    if request.len() > 3 {
        return context.reply.error(SYNTAX_ERROR);
    }
    let count = match request.get(2) {
        None => None,
        Some(argument) => match parse_integer(argument).and_then(|count| usize::try_from(count).ok()) {
            Some(count) => Some(count),
            None => return context.reply.error("ERR value is out of range, must be positive"),
        },
    };
    let key = context.key(request.arg(1));
    let Ok(len) = find_len(context, &key) else { return };
    let is_nested = count.is_some() && context.reply.protocol() == Protocol::Resp3;
    let count = count.unwrap_or(1).min(len);
    context.reply.array(if is_nested { count } else { 2 * count });
    if count > 0 {
        pop(context, &key, end, count, len, is_nested);
        context.log_verbatim(count as u64);
    }
}

/// Pops from the first of the keys that holds a sorted set, replies and logs it. Gives whether there was one.
pub(crate) fn pop_first<'k>(
    context: &mut Context<'_>,
    keys: impl IntoIterator<Item = &'k [u8]>,
    options: &MpopOptions,
) -> Result<bool, Replied> {
    for name in keys {
        let key = context.key(name);
        let len = find_len(context, &key)?;
        if len > 0 {
            let count = options.count.min(len);
            context.reply.array(2);
            context.reply.bulk(name);
            context.reply.array(count);
            pop(context, &key, options.end, count, len, true);
            let text = itoa::Buffer::new().format(count).to_owned();
            context.log_command(&[options.end.pop_command(), name, text.as_bytes()], count as u64);
            return Ok(true);
        }
    }
    Ok(false)
}

/// Number of elements at a key that is to be changed.
pub(crate) fn find_len(context: &mut Context<'_>, key: &Key<'_>) -> Result<usize, Replied> {
    context.find_as(key, |set: Option<&SortedSet>, _| set.map_or(0, SortedSet::len))
}

/// Replies with `count` elements, each in a list of its own if they are `nested`, and removes them from the sorted set at
/// `key`, which has `len`, at least as many. Says nothing to the log.
pub(crate) fn pop(
    context: &mut Context<'_>,
    key: &Key<'_>,
    end: End,
    count: usize,
    len: usize,
    nested: bool,
) {
    let ranks = match end {
        End::Lowest => 0..count,
        End::Highest => len - count..len,
    };
    let _found = context.find_as(key, |set: Option<&SortedSet>, reply| {
        let Some(set) = set else { return };
        let elements = match end {
            End::Lowest => set.elements(ranks.clone()),
            End::Highest => set.elements_backwards(ranks.clone()),
        };
        for (member, score) in elements {
            if nested {
                reply.array(2);
            }
            element(reply, member);
            reply.double(score);
        }
    });
    remove_ranks(context, key, ranks, len, end.event());
}

/// What ZMPOP and BZMPOP are told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MpopOptions {
    /// Number of keys, which follow the argument that says so.
    pub(crate) keys: usize,
    pub(crate) end: End,
    pub(crate) count: usize,
}

/// Reads the arguments from the number of keys on, which is at `numkeys_at`.
pub(crate) fn parse_mpop(
    reply: &mut ReplyBuffer,
    request: Request<'_>,
    numkeys_at: usize,
) -> Result<MpopOptions, Replied> {
    let positive = |argument: &[u8]| {
        parse_integer(argument).and_then(|number| usize::try_from(number).ok()).filter(|number| *number > 0)
    };
    let keys = positive(request.arg(numkeys_at))
        .ok_or_else(|| error(reply, "ERR numkeys should be greater than 0"))?;
    let mut index = numkeys_at.saturating_add(keys).saturating_add(1);
    let end = match request.get(index) {
        Some(word) if word.eq_ignore_ascii_case(b"min") => End::Lowest,
        Some(word) if word.eq_ignore_ascii_case(b"max") => End::Highest,
        _ => return Err(error(reply, SYNTAX_ERROR)),
    };
    let mut count = None;
    index += 1;
    while let Some(word) = request.get(index) {
        let Some(argument) = request.get(index + 1).filter(|_| count.is_none()) else {
            return Err(error(reply, SYNTAX_ERROR));
        };
        if !word.eq_ignore_ascii_case(b"count") {
            return Err(error(reply, SYNTAX_ERROR));
        }
        let number = positive(argument).ok_or_else(|| error(reply, "ERR count should be greater than 0"))?;
        count = Some(number);
        index += 2;
    }
    Ok(MpopOptions { keys, end, count: count.unwrap_or(1) })
}
