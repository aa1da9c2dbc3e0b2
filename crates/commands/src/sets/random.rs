//! Random members: SPOP and SRANDMEMBER.

use lastsave_collections::Set;
use lastsave_keyspace::Key;
use lastsave_resp::{ReplyBuffer, Request, parse_integer};
use rand::Rng;
use rand::rngs::SmallRng;
use rand::seq::index;

use crate::context::Context;
use crate::random::{Choice, parse_count, reply_chosen};
use crate::reply::{Replied, SYNTAX_ERROR, element, error};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[SPOP, SRANDMEMBER];

/// Most members that one SREM in the log removes.
const LOGGED_MEMBERS_MAX: usize = 1024;

const SPOP: CommandSpec = CommandSpec {
    summary: "Returns one or more random members from a set after removing them. Deletes the set \
         if the last member was popped.",
    complexity: "Without the count argument O(1), otherwise O(N) where N is the value of the passed \
         count.",
    since: "1.0.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE))],
    tips: &["nondeterministic_output"],
    history: &[("3.2.0", "Added the `count` argument.")],
    arguments: &[Argument::key("key", 0), Argument::integer("count").since("3.2.0").optional()],
    ..CommandSpec::new("spop", Group::Set, Handler::Data(spop))
};

fn spop(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    match request.len() {
        2 => pop_one(context, &key),
        3 => {
            if let Ok(count) = parse_pop_count(context.reply, request.arg(2)) {
                pop_many(context, &key, count);
            }
        }
        _ => context.reply.error(SYNTAX_ERROR),
    }
}

fn parse_pop_count(reply: &mut ReplyBuffer, argument: &[u8]) -> Result<usize, Replied> {
    let count = parse_integer(argument).and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| error(reply, "ERR value is out of range, must be positive"))
}

fn pop_one(context: &mut Context<'_>, key: &Key<'_>) {
    let Ok(len) = context.find_as::<Set, _>(key, |set, _| set.map(Set::len)) else { return };
    let Some(len) = len else { return context.reply.null() };
    let index = context.random.random_range(0..len);
    let edited = context.edit::<Set, _>(key, |set| {
        let member = set.at(index).to_vec();
        set.remove_at(index);
        member
    });
    context.notify(EventClass::Set, "spop", key);
    context.log_command(&[b"SREM", key.bytes(), &edited.result], 1);
    context.reply.bulk(&edited.result);
    if edited.is_removed {
        context.notify(EventClass::Generic, "del", key);
    }
    context.modified(key);
}

fn pop_many(context: &mut Context<'_>, key: &Key<'_>, count: usize) {
    let Ok(len) = context.find_as::<Set, _>(key, |set, _| set.map(Set::len)) else { return };
    let Some(len) = len.filter(|_| count > 0) else { return context.reply.set(0) };
    context.notify(EventClass::Set, "spop", key);
    if count >= len {
        return pop_all(context, key, len);
    }
    let mut random = context.fork_random();
    let popped = context.edit::<Set, _>(key, |set| take_random(set, count, &mut random)).result;
    context.reply.set(count);
    popped.iter().for_each(|member| context.reply.bulk(member));
    for members in popped.chunks(LOGGED_MEMBERS_MAX) {
        let mut args: Vec<&[u8]> = vec![b"SREM", key.bytes()];
        args.extend(members.iter().map(Vec::as_slice));
        context.log_command(&args, members.len() as u64);
    }
    context.modified(key);
}

/// Removes `count` different members, fewer than there are.
fn take_random(set: &mut Set, count: usize, random: &mut SmallRng) -> Vec<Vec<u8>> {
    let mut indexes = index::sample(random, set.len(), count).into_vec();
    let popped = indexes.iter().map(|index| set.at(*index).to_vec()).collect();
    // From the last one on, so that the other positions hold.
    indexes.sort_unstable_by(|one, other| other.cmp(one));
    indexes.into_iter().for_each(|index| set.remove_at(index));
    popped
}

fn pop_all(context: &mut Context<'_>, key: &Key<'_>, len: usize) {
    context.reply.set(len);
    let _ = context.find_as::<Set, _>(key, |set, reply| {
        set.into_iter().flatten().for_each(|member| element(reply, member));
    });
    context.keyspace.db_mut(context.db).remove(key);
    context.notify(EventClass::Generic, "del", key);
    let command: &[u8] = if context.options.lazyfree_lazy_server_del { b"UNLINK" } else { b"DEL" };
    context.log_command(&[command, key.bytes()], len as u64);
    context.modified(key);
}

const SRANDMEMBER: CommandSpec = CommandSpec {
    summary: "Get one or multiple random members from a set",
    complexity: "Without the count argument O(1), otherwise O(N) where N is the absolute value of \
         the passed count.",
    since: "1.0.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    history: &[("2.6.0", "Added the optional `count` argument.")],
    arguments: &[Argument::key("key", 0), Argument::integer("count").since("2.6.0").optional()],
    ..CommandSpec::new("srandmember", Group::Set, Handler::Data(srandmember))
};

fn srandmember(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    if request.len() > 3 {
        return context.reply.error(SYNTAX_ERROR);
    }
    let mut random = context.fork_random();
    let Some(argument) = request.get(2) else {
        let _ = context.read_as::<Set, _>(&key, |set, reply| match set {
            Some(set) => element(reply, set.at(random.random_range(0..set.len()))),
            None => reply.null(),
        });
        return;
    };
    let Ok(count) = parse_count(context.reply, argument) else { return };
    let choice = Choice::new(count);
    let _ = context.read_as::<Set, _>(&key, |set, reply| {
        let Some(set) = set else { return reply.array(0) };
        reply.array(choice.len(set.len()));
        if choice.is_everything(set.len()) {
            set.iter().for_each(|member| element(reply, member));
        } else {
            reply_chosen(reply, choice, set.len(), &mut random, |reply, index| element(reply, set.at(index)));
        }
    });
}
