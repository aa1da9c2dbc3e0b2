//! ZREM and the removal of ranges.

use lastsave_collections::SortedSet;
use lastsave_resp::Request;

use super::range_arguments::{Bounds, RangeKind};
use super::{announce_removal, remove_ranks};
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[ZREM, ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX];

const ZREM: CommandSpec = CommandSpec {
    summary: "Removes one or more members from a sorted set. Deletes the sorted set if all \
         members were removed.",
    complexity: "O(M*log(N)) with N being the number of elements in the sorted set and M the number \
         of elements to be removed.",
    since: "1.2.0",
    arity: -3,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    history: &[("2.4.0", "Accepts multiple elements.")],
    arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
    ..CommandSpec::new("zrem", Group::SortedSet, Handler::Data(zrem))
};

fn zrem(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let members = || request.args().skip(2);
    let has_any = context.find_as(&key, |set: Option<&SortedSet>, _| {
        set.is_some_and(|set| members().any(|member| set.score(member).is_some()))
    });
    let Ok(has_any) = has_any else { return };
    if !has_any {
        return context.reply.integer(0);
    }
    let edited = context.edit(&key, |set: &mut SortedSet| {
        members().filter(|member| set.remove(member).is_some()).count() as u64
    });
    announce_removal(context, &key, "zrem", edited.is_removed);
    context.log_verbatim(edited.result);
    context.reply.integer(edited.result as i64);
}

const ZREMRANGEBYRANK: CommandSpec = CommandSpec {
    summary: "Removes members in a sorted set within a range of indexes. Deletes the sorted set \
         if all members were removed.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements removed by the operation.",
    since: "2.0.0",
    arity: 4,
    flags: Flags::WRITE,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("stop")],
    ..CommandSpec::new("zremrangebyrank", Group::SortedSet, Handler::Data(zremrangebyrank))
};

fn zremrangebyrank(context: &mut Context<'_>, request: Request<'_>) {
    remove_range(context, request, RangeKind::Rank, "zremrangebyrank");
}

const ZREMRANGEBYSCORE: CommandSpec = CommandSpec {
    summary: "Removes members in a sorted set within a range of scores. Deletes the sorted set if \
         all members were removed.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements removed by the operation.",
    since: "1.2.0",
    arity: 4,
    flags: Flags::WRITE,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::double("min"), Argument::double("max")],
    ..CommandSpec::new("zremrangebyscore", Group::SortedSet, Handler::Data(zremrangebyscore))
};

fn zremrangebyscore(context: &mut Context<'_>, request: Request<'_>) {
    remove_range(context, request, RangeKind::Score, "zremrangebyscore");
}

const ZREMRANGEBYLEX: CommandSpec = CommandSpec {
    summary: "Removes members in a sorted set within a lexicographical range. Deletes the sorted \
         set if all members were removed.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements removed by the operation.",
    since: "2.8.9",
    arity: 4,
    flags: Flags::WRITE,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::string("min"), Argument::string("max")],
    ..CommandSpec::new("zremrangebylex", Group::SortedSet, Handler::Data(zremrangebylex))
};

fn zremrangebylex(context: &mut Context<'_>, request: Request<'_>) {
    remove_range(context, request, RangeKind::Lex, "zremrangebylex");
}

fn remove_range(context: &mut Context<'_>, request: Request<'_>, kind: RangeKind, event: &'static str) {
    let Ok(bounds) = Bounds::parse(context.reply, kind, request.arg(2), request.arg(3)) else { return };
    let key = context.key(request.arg(1));
    let found = context.find_as(&key, |set: Option<&SortedSet>, _| {
        set.map_or((0..0, 0), |set| (bounds.ranks(set, false), set.len()))
    });
    let Ok((ranks, len)) = found else { return };
    let count = ranks.len();
    if count > 0 {
        remove_ranks(context, &key, ranks, len, event);
        context.log_verbatim(count as u64);
    }
    context.reply.integer(count as i64);
}
