//! ZRANGE in all its forms.

use lastsave_collections::SortedSet;
use lastsave_resp::{ReplyBuffer, Request};

use super::range_arguments::{Bounds, RangeKind};
use super::{reply_element, reply_elements_head, store_result};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};
use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] =
    &[ZRANGE, ZREVRANGE, ZRANGEBYSCORE, ZREVRANGEBYSCORE, ZRANGEBYLEX, ZREVRANGEBYLEX, ZRANGESTORE];

const ZRANGE: CommandSpec = CommandSpec {
    summary: "Returns members in a sorted set within a range of indexes.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements returned.",
    since: "1.2.0",
    arity: -4,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("start"),
        Argument::string("stop"),
        Argument::one_of(
            "sortby",
            &[Argument::pure_token("byscore", "BYSCORE"), Argument::pure_token("bylex", "BYLEX")],
        )
        .since("6.2.0")
        .optional(),
        Argument::pure_token("rev", "REV").since("6.2.0").optional(),
        Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
            .token("LIMIT")
            .since("6.2.0")
            .optional(),
        Argument::pure_token("withscores", "WITHSCORES").optional(),
    ],
    ..CommandSpec::new("zrange", Group::SortedSet, Handler::Data(zrange))
};

fn zrange(context: &mut Context<'_>, request: Request<'_>) {
    reply_range(context, request, &Form { first: 1, ..Form::default() });
}

const ZREVRANGE: CommandSpec = CommandSpec {
    summary: "Returns members in a sorted set within a range of indexes in reverse order.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements returned.",
    since: "1.2.0",
    arity: -4,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`ZRANGE` with the `REV` argument"),
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("start"),
        Argument::integer("stop"),
        Argument::pure_token("withscores", "WITHSCORES").optional(),
    ],
    ..CommandSpec::new("zrevrange", Group::SortedSet, Handler::Data(zrevrange))
};

fn zrevrange(context: &mut Context<'_>, request: Request<'_>) {
    reply_range(context, request, &Form::fixed(RangeKind::Rank, true));
}

const ZRANGEBYSCORE: CommandSpec = CommandSpec {
    summary: "Returns members in a sorted set within a range of scores.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements being returned. If M is constant (e.g. always asking for the first 10 \
         elements with LIMIT), you can consider it O(log(N)).",
    since: "1.0.5",
    arity: -4,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`ZRANGE` with the `BYSCORE` argument"),
    history: &[("2.0.0", "Added the `WITHSCORES` modifier.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::double("min"),
        Argument::double("max"),
        Argument::pure_token("withscores", "WITHSCORES").since("2.0.0").optional(),
        Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
            .token("LIMIT")
            .optional(),
    ],
    ..CommandSpec::new("zrangebyscore", Group::SortedSet, Handler::Data(zrangebyscore))
};

fn zrangebyscore(context: &mut Context<'_>, request: Request<'_>) {
    reply_range(context, request, &Form::fixed(RangeKind::Score, false));
}

const ZREVRANGEBYSCORE: CommandSpec = CommandSpec {
    summary: "Returns members in a sorted set within a range of scores in reverse order.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements being returned. If M is constant (e.g. always asking for the first 10 \
         elements with LIMIT), you can consider it O(log(N)).",
    since: "2.2.0",
    arity: -4,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`ZRANGE` with the `REV` and `BYSCORE` arguments"),
    history: &[("2.1.6", "`min` and `max` can be exclusive.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::double("max"),
        Argument::double("min"),
        Argument::pure_token("withscores", "WITHSCORES").optional(),
        Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
            .token("LIMIT")
            .optional(),
    ],
    ..CommandSpec::new("zrevrangebyscore", Group::SortedSet, Handler::Data(zrevrangebyscore))
};

fn zrevrangebyscore(context: &mut Context<'_>, request: Request<'_>) {
    reply_range(context, request, &Form::fixed(RangeKind::Score, true));
}

const ZRANGEBYLEX: CommandSpec = CommandSpec {
    summary: "Returns members in a sorted set within a lexicographical range.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements being returned. If M is constant (e.g. always asking for the first 10 \
         elements with LIMIT), you can consider it O(log(N)).",
    since: "2.8.9",
    arity: -4,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`ZRANGE` with the `BYLEX` argument"),
    arguments: &[
        Argument::key("key", 0),
        Argument::string("min"),
        Argument::string("max"),
        Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
            .token("LIMIT")
            .optional(),
    ],
    ..CommandSpec::new("zrangebylex", Group::SortedSet, Handler::Data(zrangebylex))
};

fn zrangebylex(context: &mut Context<'_>, request: Request<'_>) {
    reply_range(context, request, &Form::fixed(RangeKind::Lex, false));
}

const ZREVRANGEBYLEX: CommandSpec = CommandSpec {
    summary: "Returns members in a sorted set within a lexicographical range in reverse order.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements being returned. If M is constant (e.g. always asking for the first 10 \
         elements with LIMIT), you can consider it O(log(N)).",
    since: "2.8.9",
    arity: -4,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`ZRANGE` with the `REV` and `BYLEX` arguments"),
    arguments: &[
        Argument::key("key", 0),
        Argument::string("max"),
        Argument::string("min"),
        Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
            .token("LIMIT")
            .optional(),
    ],
    ..CommandSpec::new("zrevrangebylex", Group::SortedSet, Handler::Data(zrevrangebylex))
};

fn zrevrangebylex(context: &mut Context<'_>, request: Request<'_>) {
    reply_range(context, request, &Form::fixed(RangeKind::Lex, true));
}

const ZRANGESTORE: CommandSpec = CommandSpec {
    summary: "Stores a range of members from sorted set in a key.",
    complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number \
         of elements stored into the destination key.",
    since: "6.2.0",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[
        KeySpec::first(KeyFlags::OW.and(KeyFlags::UPDATE)),
        KeySpec::range(2, 0, 1, KeyFlags::RO.and(KeyFlags::ACCESS)),
    ],
    arguments: &[
        Argument::key("dst", 0),
        Argument::key("src", 1),
        Argument::string("min"),
        Argument::string("max"),
        Argument::one_of(
            "sortby",
            &[Argument::pure_token("byscore", "BYSCORE"), Argument::pure_token("bylex", "BYLEX")],
        )
        .optional(),
        Argument::pure_token("rev", "REV").optional(),
        Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
            .token("LIMIT")
            .optional(),
    ],
    ..CommandSpec::new("zrangestore", Group::SortedSet, Handler::Data(zrangestore))
};

fn zrangestore(context: &mut Context<'_>, request: Request<'_>) {
    let form = Form { first: 2, stores: true, ..Form::default() };
    let Ok(query) = Query::parse(context.reply, request, &form) else { return };
    let source = context.key(request.arg(2));
    let limits = context.options.sorted_set_limits();
    let result = context.read_as(&source, |set: Option<&SortedSet>, _| {
        let Some(set) = set else { return SortedSet::new() };
        let ranks = query.ranks(set);
        let mut result = SortedSet::with_expected(ranks.len(), 0, &limits);
        let mut text = itoa::Buffer::new();
        for (member, score) in set.elements(ranks) {
            result.set(member.to_text(&mut text), None, score, &limits);
        }
        result
    });
    let Ok(result) = result else { return };
    let destination = context.key(request.arg(1));
    store_result(context, &destination, result, "zrangestore", 1);
}

/// How the command at hand is written.
#[derive(Debug, Default)]
struct Form {
    /// The argument that is the source's key.
    first: usize,
    /// What the ranges are of; by default, options say it.
    kind: Option<RangeKind>,
    /// Whether it goes backwards; by default, options say it.
    backwards: Option<bool>,
    /// The result is stored.
    stores: bool,
}

impl Form {
    fn fixed(kind: RangeKind, backwards: bool) -> Self {
        Self { first: 1, kind: Some(kind), backwards: Some(backwards), stores: false }
    }
}

/// What is asked for.
#[derive(Debug)]
struct Query<'a> {
    bounds: Bounds<'a>,
    backwards: bool,
    with_scores: bool,
    offset: i64,
    /// Most elements; negative for no limit.
    limit: i64,
}

impl<'a> Query<'a> {
    fn parse(reply: &mut ReplyBuffer, request: Request<'a>, form: &Form) -> Result<Self, Replied> {
        let (mut kind, mut backwards, mut with_scores, mut offset, mut limit) =
            (form.kind, form.backwards, false, 0, -1);
        let mut index = form.first + 3;
        while index < request.len() {
            let word = request.arg(index);
            if !form.stores && word.eq_ignore_ascii_case(b"withscores") {
                with_scores = true;
            } else if word.eq_ignore_ascii_case(b"limit") && index + 2 < request.len() {
                offset = integer_argument(reply, request.arg(index + 1))?;
                limit = integer_argument(reply, request.arg(index + 2))?;
                index += 2;
            } else if backwards.is_none() && word.eq_ignore_ascii_case(b"rev") {
                backwards = Some(true);
            } else if kind.is_none() && word.eq_ignore_ascii_case(b"bylex") {
                kind = Some(RangeKind::Lex);
            } else if kind.is_none() && word.eq_ignore_ascii_case(b"byscore") {
                kind = Some(RangeKind::Score);
            } else {
                return Err(error(reply, SYNTAX_ERROR));
            }
            index += 1;
        }
        let (kind, backwards) = (kind.unwrap_or(RangeKind::Rank), backwards.unwrap_or(false));
        if limit != -1 && kind == RangeKind::Rank {
            const TEXT: &str =
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
            return Err(error(reply, TEXT));
        }
        if with_scores && kind == RangeKind::Lex {
            const TEXT: &str = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
            return Err(error(reply, TEXT));
        }
        let (mut min, mut max) = (request.arg(form.first + 1), request.arg(form.first + 2));
        if backwards && kind != RangeKind::Rank {
            std::mem::swap(&mut min, &mut max);
        }
        let bounds = Bounds::parse(reply, kind, min, max)?;
        Ok(Self { bounds, backwards, with_scores, offset, limit })
    }

    /// The ranks of what is asked for.
    fn ranks(&self, set: &SortedSet) -> std::ops::Range<usize> {
        let ranks = self.bounds.ranks(set, self.backwards);
        if matches!(self.bounds, Bounds::Ranks { .. }) {
            return ranks;
        }
        // A negative offset passes over everything.
        let passed = usize::try_from(self.offset).unwrap_or(usize::MAX).min(ranks.len());
        let count = usize::try_from(self.limit).unwrap_or(usize::MAX).min(ranks.len() - passed);
        if self.backwards {
            let end = ranks.end - passed;
            end - count..end
        } else {
            let start = ranks.start + passed;
            start..start + count
        }
    }
}

fn reply_range(context: &mut Context<'_>, request: Request<'_>, form: &Form) {
    let Ok(query) = Query::parse(context.reply, request, form) else { return };
    let key = context.key(request.arg(form.first));
    // A key of another type has been answered.
    let _answered = context.read_as(&key, |set: Option<&SortedSet>, reply| {
        let Some(set) = set else { return reply.array(0) };
        let ranks = query.ranks(set);
        reply_elements_head(reply, ranks.len(), query.with_scores);
        if query.backwards {
            set.elements_backwards(ranks)
                .for_each(|element| reply_element(reply, element, query.with_scores));
        } else {
            set.elements(ranks).for_each(|element| reply_element(reply, element, query.with_scores));
        }
    });
}
