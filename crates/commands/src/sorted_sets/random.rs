//! ZRANDMEMBER.

use lastsave_collections::SortedSet;
use lastsave_resp::Request;
use rand::Rng;

use super::{reply_element, reply_elements_head};
use crate::context::Context;
use crate::random::{Choice, choose, parse_count};
use crate::reply::{SYNTAX_ERROR, element};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[ZRANDMEMBER];

const ZRANDMEMBER: CommandSpec = CommandSpec {
    summary: "Returns one or more random members from a sorted set.",
    complexity: "O(N) where N is the number of members returned",
    since: "6.2.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key", 0),
        Argument::block(
            "options",
            &[Argument::integer("count"), Argument::pure_token("withscores", "WITHSCORES").optional()],
        )
        .optional(),
    ],
    ..CommandSpec::new("zrandmember", Group::SortedSet, Handler::Data(zrandmember))
};

fn zrandmember(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let mut random = context.fork_random();
    if request.len() == 2 {
        let _ = context.read_as::<SortedSet, _>(&key, |set, reply| {
            match set.and_then(|set| set.element(random.random_range(0..set.len()))) {
                Some((member, _)) => element(reply, member),
                None => reply.null(),
            }
        });
        return;
    }
    let Ok(count) = parse_count(context.reply, request.arg(2)) else { return };
    let with_scores = match request.get(3) {
        None => false,
        Some(word) if request.len() == 4 && word.eq_ignore_ascii_case(b"withscores") => true,
        Some(_) => return context.reply.error(SYNTAX_ERROR),
    };
    if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return context.reply.error("ERR value is out of range");
    }
    let choice = Choice::new(count);
    let _ = context.read_as::<SortedSet, _>(&key, |set, reply| {
        let Some(set) = set.filter(|_| count != 0) else { return reply.array(0) };
        let len = set.len();
        reply_elements_head(reply, choice.len(len), with_scores);
        if choice.is_everything(len) {
            return set.elements(0..len).for_each(|element| reply_element(reply, element, with_scores));
        }
        choose(choice, len, &mut random, |rank| {
            if let Some(element) = set.element(rank) {
                reply_element(reply, element, with_scores);
            }
        });
    });
}
