//! How many members are in a range.

use lastsave_collections::SortedSet;
use lastsave_resp::Request;

use super::range_arguments::{Bounds, RangeKind};
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[ZCOUNT, ZLEXCOUNT];

const ZCOUNT: CommandSpec = CommandSpec {
    summary: "Returns the count of members in a sorted set that have scores within a range.",
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    since: "2.0.0",
    arity: 4,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::double("min"), Argument::double("max")],
    ..CommandSpec::new("zcount", Group::SortedSet, Handler::Data(zcount))
};

fn zcount(context: &mut Context<'_>, request: Request<'_>) {
    count(context, request, RangeKind::Score);
}

const ZLEXCOUNT: CommandSpec = CommandSpec {
    summary: "Returns the number of members in a sorted set within a lexicographical range.",
    complexity: "O(log(N)) with N being the number of elements in the sorted set.",
    since: "2.8.9",
    arity: 4,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::string("min"), Argument::string("max")],
    ..CommandSpec::new("zlexcount", Group::SortedSet, Handler::Data(zlexcount))
};

fn zlexcount(context: &mut Context<'_>, request: Request<'_>) {
    count(context, request, RangeKind::Lex);
}

fn count(context: &mut Context<'_>, request: Request<'_>, kind: RangeKind) {
    let Ok(bounds) = Bounds::parse(context.reply, kind, request.arg(2), request.arg(3)) else { return };
    let key = context.key(request.arg(1));
    // A key of another type has been answered.
    let _answered = context.read_as(&key, |set: Option<&SortedSet>, reply| {
        reply.integer(set.map_or(0, |set| bounds.ranks(set, false).len()) as i64);
    });
}
