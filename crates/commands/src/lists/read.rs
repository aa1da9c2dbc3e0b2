//! LLEN, LINDEX, LRANGE and LPOS.

use lastsave_collections::{List, ListEnd};
use lastsave_resp::Request;

use super::{reply_element, reply_range, resolve_index, resolve_range};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument, natural_argument};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[LLEN, LINDEX, LRANGE, LPOS];

const LLEN: CommandSpec = CommandSpec {
    summary: "Returns the length of a list.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("llen", Group::List, Handler::Data(llen))
};

fn llen(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let Ok(len) = context.read_as::<List, _>(&key, |list, _| list.map_or(0, List::len)) else { return };
    context.reply.integer(len as i64);
}

const LINDEX: CommandSpec = CommandSpec {
    summary: "Returns an element from a list by its index.",
    complexity: "O(N) where N is the number of elements to traverse to get to the element at index. \
         This makes asking for the first or the last element of the list O(1).",
    since: "1.0.0",
    arity: 3,
    flags: Flags::READONLY,
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::integer("index")],
    ..CommandSpec::new("lindex", Group::List, Handler::Data(lindex))
};

fn lindex(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _replied = context.read_as::<List, _>(&key, |list, reply| {
        let Some(list) = list else { return reply.null() };
        let Ok(index) = integer_argument(reply, request.arg(2)) else { return };
        let found = resolve_index(index, list.len())
            .and_then(|index| list.with_element(index, |element| reply_element(reply, element)));
        if found.is_none() {
            reply.null();
        }
    });
}

const LRANGE: CommandSpec = CommandSpec {
    summary: "Returns a range of elements from a list.",
    complexity: "O(S+N) where S is the distance of start offset from HEAD for small lists, from \
         nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the \
         specified range.",
    since: "1.0.0",
    arity: 4,
    flags: Flags::READONLY,
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("stop")],
    ..CommandSpec::new("lrange", Group::List, Handler::Data(lrange))
};

fn lrange(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(start) = integer_argument(context.reply, request.arg(2)) else { return };
    let Ok(end) = integer_argument(context.reply, request.arg(3)) else { return };
    let key = context.key(request.arg(1));
    let _replied = context.read_as::<List, _>(&key, |list, reply| match list {
        None => reply.array(0),
        Some(list) => reply_range(reply, list, resolve_range(start, end, list.len()), false),
    });
}

const LPOS: CommandSpec = CommandSpec {
    summary: "Returns the index of matching elements in a list.",
    complexity: "O(N) where N is the number of elements in the list, for the average case. When \
         searching for elements near the head or the tail of the list, or when the MAXLEN \
         option is provided, the command may run in constant time.",
    since: "6.0.6",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("element"),
        Argument::integer("rank").token("RANK").optional(),
        Argument::integer("num-matches").token("COUNT").optional(),
        Argument::integer("len").token("MAXLEN").optional(),
    ],
    ..CommandSpec::new("lpos", Group::List, Handler::Data(lpos))
};

fn lpos(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = PositionOptions::parse(context, request) else { return };
    let key = context.key(request.arg(1));
    let _replied = context.read_as::<List, _>(&key, |list, reply| {
        let mut found = Vec::new();
        if let Some(list) = list {
            options.find(list, request.arg(2), &mut found);
        }
        match (options.count, found.first()) {
            (Some(_), _) => {
                reply.array(found.len());
                found.iter().for_each(|index| reply.integer(*index as i64));
            }
            (None, Some(index)) => reply.integer(*index as i64),
            (None, None) => reply.null(),
        }
    });
}

/// Options of LPOS.
struct PositionOptions {
    from: ListEnd,
    /// The first of the equal elements that counts, from 1.
    rank: u64,
    /// How many are replied; 0 for all, nothing for one that is no array.
    count: Option<usize>,
    /// How many elements are looked at.
    len_max: usize,
}

impl PositionOptions {
    fn parse(context: &mut Context<'_>, request: Request<'_>) -> Result<Self, Replied> {
        let reply = &mut *context.reply;
        let mut options = Self { from: ListEnd::Left, rank: 1, count: None, len_max: usize::MAX };
        let mut index = 3;
        while index < request.len() {
            let (word, argument) = (request.arg(index), request.get(index + 1));
            let Some(argument) = argument else { return Err(error(reply, SYNTAX_ERROR)) };
            if word.eq_ignore_ascii_case(b"rank") {
                let rank = integer_argument(reply, argument)?;
                if rank == i64::MIN {
                    return Err(error(
                        reply,
                        "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
                    ));
                }
                if rank == 0 {
                    return Err(error(
                        reply,
                        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use \
                         negative to start from the end of the list",
                    ));
                }
                options.from = if rank < 0 { ListEnd::Right } else { ListEnd::Left };
                options.rank = rank.unsigned_abs();
            } else if word.eq_ignore_ascii_case(b"count") {
                options.count = Some(natural_argument(reply, argument, Some("ERR COUNT can't be negative"))?);
            } else if word.eq_ignore_ascii_case(b"maxlen") {
                let len_max = natural_argument(reply, argument, Some("ERR MAXLEN can't be negative"))?;
                options.len_max = if len_max == 0 { usize::MAX } else { len_max };
            } else {
                return Err(error(reply, SYNTAX_ERROR));
            }
            index += 2;
        }
        Ok(options)
    }

    fn find(&self, list: &List, element: &[u8], found: &mut Vec<usize>) {
        let wanted = match self.count {
            None => 1,
            Some(0) => usize::MAX,
            Some(count) => count,
        };
        let mut matches = 0;
        list.find(element, self.from, self.len_max, |index| {
            matches += 1;
            if matches >= self.rank {
                found.push(index);
            }
            found.len() < wanted
        });
    }
}
