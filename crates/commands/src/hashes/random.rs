//! HRANDFIELD.

use lastsave_collections::{Hash, HashValue};
use lastsave_listpack::ListpackValue;
use lastsave_resp::{Protocol, ReplyBuffer, Request};
use rand::Rng;

use super::get::value;
use crate::context::Context;
use crate::random::{Choice, parse_count, reply_chosen};
use crate::reply::{Replied, SYNTAX_ERROR, element, error};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[HRANDFIELD];

const HRANDFIELD: CommandSpec = CommandSpec {
    summary: "Returns one or more random fields from a hash.",
    complexity: "O(N) where N is the number of fields returned",
    since: "6.2.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key", 0),
        Argument::block(
            "options",
            &[Argument::integer("count"), Argument::pure_token("withvalues", "WITHVALUES").optional()],
        )
        .optional(),
    ],
    ..CommandSpec::new("hrandfield", Group::Hash, Handler::Data(hrandfield))
};

/// How many fields are wanted, and whether with their values.
fn parse(reply: &mut ReplyBuffer, request: Request<'_>) -> Result<(Choice, bool), Replied> {
    let count = parse_count(reply, request.arg(2))?;
    let with_values = match request.get(3) {
        None => false,
        Some(word) if request.len() == 4 && word.eq_ignore_ascii_case(b"withvalues") => true,
        Some(_) => return Err(error(reply, SYNTAX_ERROR)),
    };
    if with_values && !(-(i64::MAX / 2)..=i64::MAX / 2).contains(&count) {
        return Err(error(reply, "ERR value is out of range"));
    }
    Ok((Choice::new(count), with_values))
}

fn hrandfield(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let mut random = context.fork_random();
    if request.len() == 2 {
        let _ = context.read_as::<Hash, _>(&key, |hash, reply| match hash {
            Some(hash) => element(reply, hash.at(random.random_range(0..hash.len())).0),
            None => reply.null(),
        });
        return;
    }
    let Ok((choice, with_values)) = parse(context.reply, request) else { return };
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| {
        let Some(hash) = hash else { return reply.array(0) };
        start(reply, choice.len(hash.len()), with_values);
        if choice.is_everything(hash.len()) {
            hash.iter().for_each(|(field, found)| pair(reply, field, found, with_values));
        } else {
            reply_chosen(reply, choice, hash.len(), &mut random, |reply, index| {
                let (field, found) = hash.at(index);
                pair(reply, field, found, with_values);
            });
        }
    });
}

/// The head of the reply: with values it is pairs in RESP3, and twice as many elements in RESP2.
fn start(reply: &mut ReplyBuffer, count: usize, with_values: bool) {
    let is_flat = with_values && reply.protocol() == Protocol::Resp2;
    reply.array(if is_flat { 2 * count } else { count });
}

fn pair(reply: &mut ReplyBuffer, field: ListpackValue<'_>, found: HashValue<'_>, with_values: bool) {
    if with_values && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    element(reply, field);
    if with_values {
        value(reply, found);
    }
}
