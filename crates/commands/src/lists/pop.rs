//! LPOP, RPOP and LMPOP.

use lastsave_collections::{List, ListEnd};
use lastsave_keyspace::Key;
use lastsave_resp::Request;

use super::{announce_pop, end_argument, pop_name, reply_element, reply_range};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error, natural_argument, positive_argument};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::table::Rejection;

pub(crate) const COMMANDS: &[CommandSpec] = &[LPOP, RPOP, LMPOP];

const LPOP: CommandSpec = CommandSpec {
    summary: "Returns the first elements in a list after removing it. Deletes the list if the \
         last element was popped.",
    complexity: "O(N) where N is the number of elements returned",
    since: "1.0.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    history: &[("6.2.0", "Added the `count` argument.")],
    arguments: &[Argument::key("key", 0), Argument::integer("count").since("6.2.0").optional()],
    ..CommandSpec::new("lpop", Group::List, Handler::Data(lpop))
};

fn lpop(context: &mut Context<'_>, request: Request<'_>) {
    pop(context, request, ListEnd::Left, &LPOP);
}

const RPOP: CommandSpec = CommandSpec {
    summary: "Returns and removes the last elements of a list. Deletes the list if the last \
         element was popped.",
    complexity: "O(N) where N is the number of elements returned",
    since: "1.0.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    history: &[("6.2.0", "Added the `count` argument.")],
    arguments: &[Argument::key("key", 0), Argument::integer("count").since("6.2.0").optional()],
    ..CommandSpec::new("rpop", Group::List, Handler::Data(rpop))
};

fn rpop(context: &mut Context<'_>, request: Request<'_>) {
    pop(context, request, ListEnd::Right, &RPOP);
}

fn pop(context: &mut Context<'_>, request: Request<'_>, end: ListEnd, spec: &CommandSpec) {
    let key = context.key(request.arg(1));
    let count = match request.len() {
        2 => None,
        3 => {
            let Ok(count) = natural_argument(context.reply, request.arg(2), None) else { return };
            Some(count)
        }
        _ => return context.reply.error_bytes(Rejection::arity(spec).text()),
    };
    let found = context.find_as::<List, _>(&key, |list, reply| match (list, count) {
        (None, None) => {
            reply.null();
            false
        }
        (None, Some(_)) => {
            reply.null_array();
            false
        }
        (Some(_), Some(0)) => {
            reply.array(0);
            false
        }
        (Some(_), _) => true,
    });
    let Ok(true) = found else { return };
    match count {
        None => {
            pop_one(context, &key, end);
            context.log_verbatim(1);
        }
        Some(count) => {
            let popped = pop_many(context, &key, end, count);
            context.log_verbatim(popped as u64);
        }
    }
}

/// Takes the element at an end of a list that is there, and replies it.
pub(super) fn pop_one(context: &mut Context<'_>, key: &Key<'_>, end: ListEnd) {
    let limits = context.options.list_limits();
    let edited = context.edit(key, |list: &mut List| {
        let element = list.pop(end);
        list.pack_if_small(true, &limits);
        element
    });
    let element = edited.result.expect("a key holds no empty list");
    reply_element(context.reply, element.as_element());
    announce_pop(context, key, end, edited.is_removed);
}

/// Takes up to `count` elements from an end of a list that is there, and replies them. Gives how many there were.
pub(super) fn pop_many(context: &mut Context<'_>, key: &Key<'_>, end: ListEnd, count: usize) -> usize {
    let limits = context.options.list_limits();
    let reply = &mut *context.reply;
    let edited = context.keyspace.db_mut(context.db).edit(key, |list: &mut List| {
        let len = list.len();
        let count = count.min(len);
        let range = match end {
            ListEnd::Left => 0..count,
            ListEnd::Right => len - count..len,
        };
        reply_range(reply, list, range.clone(), end == ListEnd::Right);
        list.remove(range);
        list.pack_if_small(true, &limits);
        count
    });
    let edited = edited.expect("the key was found to hold a list");
    announce_pop(context, key, end, edited.is_removed);
    edited.result
}

const LMPOP: CommandSpec = CommandSpec {
    summary: "Returns multiple elements from a list after removing them. Deletes the list if the \
         last element was popped.",
    complexity: "O(N+M) where N is the number of provided keys and M is the number of elements \
         returned.",
    since: "7.0.0",
    arity: -4,
    flags: Flags::WRITE,
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::counted(1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    arguments: &[
        Argument::integer("numkeys"),
        Argument::key("key", 0).multiple(),
        Argument::one_of(
            "where",
            &[Argument::pure_token("left", "LEFT"), Argument::pure_token("right", "RIGHT")],
        ),
        Argument::integer("count").token("COUNT").optional(),
    ],
    ..CommandSpec::new("lmpop", Group::List, Handler::Data(lmpop))
};

fn lmpop(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = MultiplePop::parse(context, request, 1) else { return };
    match options.pop_first(context, request) {
        Ok(true) | Err(Replied) => {}
        Ok(false) => context.reply.null_array(),
    }
}

/// What LMPOP and BLMPOP are to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct MultiplePop {
    first_key: usize,
    key_count: usize,
    end: ListEnd,
    count: usize,
}

impl MultiplePop {
    /// Parses the arguments from the number of keys on.
    pub(super) fn parse(
        context: &mut Context<'_>,
        request: Request<'_>,
        number_index: usize,
    ) -> Result<Self, Replied> {
        const TOO_FEW_KEYS: &str = "ERR numkeys should be greater than 0";
        const TOO_FEW_ELEMENTS: &str = "ERR count should be greater than 0";
        let reply = &mut *context.reply;
        let key_count = positive_argument(reply, request.arg(number_index), TOO_FEW_KEYS)?;
        let end_index = key_count.saturating_add(number_index + 1);
        let Some(argument) = request.get(end_index) else { return Err(error(reply, SYNTAX_ERROR)) };
        let end = end_argument(reply, argument)?;
        let count = match request.len() - end_index {
            1 => 1,
            3 if request.arg(end_index + 1).eq_ignore_ascii_case(b"count") => {
                positive_argument(reply, request.arg(end_index + 2), TOO_FEW_ELEMENTS)?
            }
            more => {
                // A good first option is still looked at before what follows it is refused.
                if more > 3 && request.arg(end_index + 1).eq_ignore_ascii_case(b"count") {
                    positive_argument(reply, request.arg(end_index + 2), TOO_FEW_ELEMENTS)?;
                }
                return Err(error(reply, SYNTAX_ERROR));
            }
        };
        Ok(Self { first_key: number_index + 1, key_count, end, count })
    }

    /// The keys.
    pub(super) fn keys<'a>(&self, request: Request<'a>) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        request.args().skip(self.first_key).take(self.key_count)
    }

    /// Takes from the first key that holds a list, and replies. Gives whether there was one.
    pub(super) fn pop_first(&self, context: &mut Context<'_>, request: Request<'_>) -> Result<bool, Replied> {
        for name in self.keys(request) {
            let key = context.key(name);
            if !context.find_as::<List, _>(&key, |list, _| list.is_some())? {
                continue;
            }
            context.reply.array(2);
            context.reply.bulk(name);
            let popped = pop_many(context, &key, self.end, self.count);
            let count = itoa::Buffer::new().format(popped).to_owned();
            context.log_command(&[pop_name(self.end), name, count.as_bytes()], popped as u64);
            return Ok(true);
        }
        Ok(false)
    }
}
