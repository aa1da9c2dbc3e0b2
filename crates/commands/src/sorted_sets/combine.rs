//! Unions, intersections and differences of sorted sets.

use std::cmp::Ordering;

use lastsave_collections::SortedSet;
use lastsave_listpack::ListpackValue;
use lastsave_resp::Request;

use super::combination::{Form, Operation, Query, Yield};
use super::sources::Enough;
use super::{reply_element, reply_elements_head, store_result};
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] =
    &[ZUNION, ZUNIONSTORE, ZINTER, ZINTERSTORE, ZINTERCARD, ZDIFF, ZDIFFSTORE];

const ZUNION: CommandSpec = CommandSpec {
    summary: "Returns the union of multiple sorted sets.",
    complexity: "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M \
         being the number of elements in the resulting sorted set.",
    since: "6.2.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::counted(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::integer("numkeys"),
        Argument::key("key", 0).multiple(),
        Argument::integer("weight").token("WEIGHTS").optional().multiple(),
        Argument::one_of(
            "aggregate",
            &[
                Argument::pure_token("sum", "SUM"),
                Argument::pure_token("min", "MIN"),
                Argument::pure_token("max", "MAX"),
            ],
        )
        .token("AGGREGATE")
        .optional(),
        Argument::pure_token("withscores", "WITHSCORES").optional(),
    ],
    ..CommandSpec::new("zunion", Group::SortedSet, Handler::Data(zunion))
};

fn zunion(context: &mut Context<'_>, request: Request<'_>) {
    reply(context, request, &ZUNION, Operation::Union);
}

const ZUNIONSTORE: CommandSpec = CommandSpec {
    summary: "Stores the union of multiple sorted sets in a key.",
    complexity: "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M \
         being the number of elements in the resulting sorted set.",
    since: "2.0.0",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[
        KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::counted(2, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[
        Argument::key("destination", 0),
        Argument::integer("numkeys"),
        Argument::key("key", 1).multiple(),
        Argument::integer("weight").token("WEIGHTS").optional().multiple(),
        Argument::one_of(
            "aggregate",
            &[
                Argument::pure_token("sum", "SUM"),
                Argument::pure_token("min", "MIN"),
                Argument::pure_token("max", "MAX"),
            ],
        )
        .token("AGGREGATE")
        .optional(),
    ],
    ..CommandSpec::new("zunionstore", Group::SortedSet, Handler::Data(zunionstore))
};

fn zunionstore(context: &mut Context<'_>, request: Request<'_>) {
    store(context, request, &ZUNIONSTORE, Operation::Union);
}

const ZINTER: CommandSpec = CommandSpec {
    summary: "Returns the intersect of multiple sorted sets.",
    complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being \
         the number of input sorted sets and M being the number of elements in the resulting \
         sorted set.",
    since: "6.2.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::counted(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::integer("numkeys"),
        Argument::key("key", 0).multiple(),
        Argument::integer("weight").token("WEIGHTS").optional().multiple(),
        Argument::one_of(
            "aggregate",
            &[
                Argument::pure_token("sum", "SUM"),
                Argument::pure_token("min", "MIN"),
                Argument::pure_token("max", "MAX"),
            ],
        )
        .token("AGGREGATE")
        .optional(),
        Argument::pure_token("withscores", "WITHSCORES").optional(),
    ],
    ..CommandSpec::new("zinter", Group::SortedSet, Handler::Data(zinter))
};

fn zinter(context: &mut Context<'_>, request: Request<'_>) {
    reply(context, request, &ZINTER, Operation::Intersection);
}

const ZINTERSTORE: CommandSpec = CommandSpec {
    summary: "Stores the intersect of multiple sorted sets in a key.",
    complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being \
         the number of input sorted sets and M being the number of elements in the resulting \
         sorted set.",
    since: "2.0.0",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[
        KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::counted(2, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[
        Argument::key("destination", 0),
        Argument::integer("numkeys"),
        Argument::key("key", 1).multiple(),
        Argument::integer("weight").token("WEIGHTS").optional().multiple(),
        Argument::one_of(
            "aggregate",
            &[
                Argument::pure_token("sum", "SUM"),
                Argument::pure_token("min", "MIN"),
                Argument::pure_token("max", "MAX"),
            ],
        )
        .token("AGGREGATE")
        .optional(),
    ],
    ..CommandSpec::new("zinterstore", Group::SortedSet, Handler::Data(zinterstore))
};

fn zinterstore(context: &mut Context<'_>, request: Request<'_>) {
    store(context, request, &ZINTERSTORE, Operation::Intersection);
}

const ZINTERCARD: CommandSpec = CommandSpec {
    summary: "Returns the number of members of the intersect of multiple sorted sets.",
    complexity: "O(N*K) worst case with N being the smallest input sorted set, K being the number of \
         input sorted sets.",
    since: "7.0.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::counted(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::integer("numkeys"),
        Argument::key("key", 0).multiple(),
        Argument::integer("limit").token("LIMIT").optional(),
    ],
    ..CommandSpec::new("zintercard", Group::SortedSet, Handler::Data(zintercard))
};

fn zintercard(context: &mut Context<'_>, request: Request<'_>) {
    let form =
        Form { numkeys_at: 1, spec: &ZINTERCARD, operation: Operation::Intersection, yields: Yield::Count };
    let Ok(query) = Query::parse(context, request, &form) else { return };
    let limit = if query.limit == 0 { usize::MAX } else { query.limit };
    let mut count = 0;
    query.intersect(|_, _| {
        count += 1;
        if count == limit { Enough::Yes } else { Enough::No }
    });
    context.reply.integer(count as i64);
}

const ZDIFF: CommandSpec = CommandSpec {
    summary: "Returns the difference between multiple sorted sets.",
    complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the \
         sets, N is the size of the first set, and K is the size of the result set.",
    since: "6.2.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::counted(1, KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[
        Argument::integer("numkeys"),
        Argument::key("key", 0).multiple(),
        Argument::pure_token("withscores", "WITHSCORES").optional(),
    ],
    ..CommandSpec::new("zdiff", Group::SortedSet, Handler::Data(zdiff))
};

fn zdiff(context: &mut Context<'_>, request: Request<'_>) {
    reply(context, request, &ZDIFF, Operation::Difference);
}

const ZDIFFSTORE: CommandSpec = CommandSpec {
    summary: "Stores the difference of multiple sorted sets in a key.",
    complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the \
         sets, N is the size of the first set, and K is the size of the result set.",
    since: "6.2.0",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[
        KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::counted(2, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[
        Argument::key("destination", 0),
        Argument::integer("numkeys"),
        Argument::key("key", 1).multiple(),
    ],
    ..CommandSpec::new("zdiffstore", Group::SortedSet, Handler::Data(zdiffstore))
};

fn zdiffstore(context: &mut Context<'_>, request: Request<'_>) {
    store(context, request, &ZDIFFSTORE, Operation::Difference);
}

fn in_order(elements: &mut [(Box<[u8]>, f64)]) {
    elements.sort_unstable_by(|(member, score), (other, other_score)| {
        score.partial_cmp(other_score).unwrap_or(Ordering::Equal).then_with(|| member.cmp(other))
    });
}

fn reply(context: &mut Context<'_>, request: Request<'_>, spec: &'static CommandSpec, operation: Operation) {
    let form = Form { numkeys_at: 1, spec, operation, yields: Yield::Elements };
    let Ok(query) = Query::parse(context, request, &form) else { return };
    let mut elements = query.result(operation);
    in_order(&mut elements);
    reply_elements_head(context.reply, elements.len(), query.with_scores);
    for (member, score) in &elements {
        reply_element(context.reply, (ListpackValue::Bytes(member), *score), query.with_scores);
    }
}

fn store(context: &mut Context<'_>, request: Request<'_>, spec: &'static CommandSpec, operation: Operation) {
    let form = Form { numkeys_at: 2, spec, operation, yields: Yield::Key };
    let Ok(query) = Query::parse(context, request, &form) else { return };
    let mut elements = query.result(operation);
    in_order(&mut elements);
    let limits = context.options.sorted_set_limits();
    let longest = elements.iter().map(|(member, _)| member.len()).max().unwrap_or(0);
    let mut result = SortedSet::with_expected(elements.len(), longest, &limits);
    for (member, score) in &elements {
        result.set(member, None, *score, &limits);
    }
    let destination = context.key(request.arg(1));
    store_result(context, &destination, result, operation.store_event(), 1);
}
