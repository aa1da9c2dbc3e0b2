//! Members of one set: SADD and its relatives; SMOVE.

use lastsave_collections::Set;
use lastsave_keyspace::Key;
use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::element;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[SADD, SREM, SISMEMBER, SMISMEMBER, SCARD, SMEMBERS, SMOVE];

const SADD: CommandSpec = CommandSpec {
    summary: "Adds one or more members to a set. Creates the key if it doesn't exist.",
    complexity: "O(1) for each element added, so O(N) to add N elements when the command is called \
         with multiple arguments.",
    since: "1.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::INSERT))],
    history: &[("2.4.0", "Accepts multiple `member` arguments.")],
    arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
    ..CommandSpec::new("sadd", Group::Set, Handler::Data(sadd))
};

fn sadd(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let members = || request.args().skip(2);
    let found = context.find_as::<Set, _>(&key, |set, _| {
        set.is_some_and(|set| members().all(|member| set.contains(member)))
    });
    let Ok(has_all) = found else { return };
    let limits = context.options.set_limits();
    let count = request.len() - 2;
    // A set may be stored otherwise afterwards even if all members are known, but only because of many of them.
    if has_all && count <= limits.intset_entries_max.min(limits.listpack_entries_max) {
        return context.reply.integer(0);
    }
    let added = context.edit_or_create::<Set, _>(&key, |set| {
        if set.is_empty() {
            *set = Set::with_expected(count, request.arg(2), &limits);
        } else {
            set.expect_more(count, &limits);
        }
        members().map(|member| u64::from(set.insert(member, &limits))).sum::<u64>()
    });
    context.reply.integer(added as i64);
    if added > 0 {
        context.modified(&key);
        context.notify(EventClass::Set, "sadd", &key);
        context.log_verbatim(added);
    }
}

const SREM: CommandSpec = CommandSpec {
    summary: "Removes one or more members from a set. Deletes the set if the last member was \
         removed.",
    complexity: "O(N) where N is the number of members to be removed.",
    since: "1.0.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    history: &[("2.4.0", "Accepts multiple `member` arguments.")],
    arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
    ..CommandSpec::new("srem", Group::Set, Handler::Data(srem))
};

fn srem(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let members = || request.args().skip(2);
    let found = context.find_as::<Set, _>(&key, |set, _| {
        set.is_some_and(|set| members().any(|member| set.contains(member)))
    });
    let Ok(has_any) = found else { return };
    if !has_any {
        return context.reply.integer(0);
    }
    let edited = context
        .edit::<Set, _>(&key, |set| members().map(|member| u64::from(set.remove(member))).sum::<u64>());
    context.reply.integer(edited.result as i64);
    context.modified(&key);
    context.notify(EventClass::Set, "srem", &key);
    if edited.is_removed {
        context.notify(EventClass::Generic, "del", &key);
    }
    context.log_verbatim(edited.result);
}

const SISMEMBER: CommandSpec = CommandSpec {
    summary: "Determines whether a member belongs to a set.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0), Argument::string("member")],
    ..CommandSpec::new("sismember", Group::Set, Handler::Data(sismember))
};

fn sismember(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Set, _>(&key, |set, reply| {
        reply.integer(set.is_some_and(|set| set.contains(request.arg(2))).into());
    });
}

const SMISMEMBER: CommandSpec = CommandSpec {
    summary: "Determines whether multiple members belong to a set.",
    complexity: "O(N) where N is the number of elements being checked for membership",
    since: "6.2.0",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
    ..CommandSpec::new("smismember", Group::Set, Handler::Data(smismember))
};

fn smismember(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Set, _>(&key, |set, reply| {
        reply.array(request.len() - 2);
        for member in request.args().skip(2) {
            reply.integer(set.is_some_and(|set| set.contains(member)).into());
        }
    });
}

const SCARD: CommandSpec = CommandSpec {
    summary: "Returns the number of members in a set.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("scard", Group::Set, Handler::Data(scard))
};

fn scard(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ =
        context.read_as::<Set, _>(&key, |set, reply| reply.integer(set.map_or(0, |set| set.len() as i64)));
}

const SMEMBERS: CommandSpec = CommandSpec {
    summary: "Returns all members of a set.",
    complexity: "O(N) where N is the set cardinality.",
    since: "1.0.0",
    arity: 2,
    flags: Flags::READONLY,
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output_order"],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("smembers", Group::Set, Handler::Data(smembers))
};

fn smembers(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Set, _>(&key, |set, reply| {
        reply.set(set.map_or(0, Set::len));
        set.into_iter().flatten().for_each(|member| element(reply, member));
    });
}

const SMOVE: CommandSpec = CommandSpec {
    summary: "Moves a member from one set to another.",
    complexity: "O(1)",
    since: "1.0.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::SET,
    key_specs: &[
        KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::INSERT)),
    ],
    arguments: &[Argument::key("source", 0), Argument::key("destination", 1), Argument::string("member")],
    ..CommandSpec::new("smove", Group::Set, Handler::Data(smove))
};

fn smove(context: &mut Context<'_>, request: Request<'_>) {
    let (from, to) = (context.key(request.arg(1)), context.key(request.arg(2)));
    let member = request.arg(3);
    let found = context.find_as::<Set, _>(&from, |set, _| set.map(|set| set.contains(member)));
    // What the destination is matters only if there is a source.
    let Ok(is_member) = found else { return };
    let Some(is_member) = is_member else { return context.reply.integer(0) };
    if from.bytes() == to.bytes() {
        return context.reply.integer(is_member.into());
    }
    let found = context.find_as::<Set, _>(&to, |set, _| set.is_some_and(|set| set.contains(member)));
    let Ok(is_there) = found else { return };
    if !is_member {
        return context.reply.integer(0);
    }
    take_out(context, &from, member);
    let changes = if is_there { 1 } else { 2 };
    if !is_there {
        put_in(context, &to, member);
    }
    context.log_verbatim(changes);
    context.reply.integer(1);
}

fn take_out(context: &mut Context<'_>, key: &Key<'_>, member: &[u8]) {
    let edited = context.edit::<Set, _>(key, |set| set.remove(member));
    context.notify(EventClass::Set, "srem", key);
    if edited.is_removed {
        context.notify(EventClass::Generic, "del", key);
    }
    context.modified(key);
}

fn put_in(context: &mut Context<'_>, key: &Key<'_>, member: &[u8]) {
    let limits = context.options.set_limits();
    context.edit_or_create::<Set, _>(key, |set| {
        if set.is_empty() {
            *set = Set::with_expected(1, member, &limits);
        }
        set.insert(member, &limits)
    });
    context.modified(key);
    context.notify(EventClass::Set, "sadd", key);
}
