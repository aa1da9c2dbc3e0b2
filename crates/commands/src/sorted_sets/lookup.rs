//! Facts about a sorted set and single members of it.

use lastsave_collections::SortedSet;
use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::SYNTAX_ERROR;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::table::Rejection;

pub(crate) const COMMANDS: &[CommandSpec] = &[ZCARD, ZSCORE, ZMSCORE, ZRANK, ZREVRANK];

const ZCARD: CommandSpec = CommandSpec {
    summary: "Returns the number of members in a sorted set.",
    complexity: "O(1)",
    since: "1.2.0",
    arity: 2,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO)],
    arguments: &[Argument::key("key", 0)],
    ..CommandSpec::new("zcard", Group::SortedSet, Handler::Data(zcard))
};

fn zcard(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    // A key of another type has been answered.
    let _answered = context.read_as(&key, |set: Option<&SortedSet>, reply| {
        reply.integer(set.map_or(0, SortedSet::len) as i64);
    });
}

const ZSCORE: CommandSpec = CommandSpec {
    summary: "Returns the score of a member in a sorted set.",
    complexity: "O(1)",
    since: "1.2.0",
    arity: 3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::string("member")],
    ..CommandSpec::new("zscore", Group::SortedSet, Handler::Data(zscore))
};

fn zscore(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let member = request.arg(2);
    let _answered =
        context.read_as(&key, |set: Option<&SortedSet>, reply| match set.and_then(|set| set.score(member)) {
            Some(score) => reply.double(score),
            None => reply.null(),
        });
}

const ZMSCORE: CommandSpec = CommandSpec {
    summary: "Returns the score of one or more members in a sorted set.",
    complexity: "O(N) where N is the number of members being requested.",
    since: "6.2.0",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
    ..CommandSpec::new("zmscore", Group::SortedSet, Handler::Data(zmscore))
};

fn zmscore(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let _answered = context.read_as(&key, |set: Option<&SortedSet>, reply| {
        reply.array(request.len() - 2);
        for member in request.args().skip(2) {
            match set.and_then(|set| set.score(member)) {
                Some(score) => reply.double(score),
                None => reply.null(),
            }
        }
    });
}

const ZRANK: CommandSpec = CommandSpec {
    summary: "Returns the index of a member in a sorted set ordered by ascending scores.",
    complexity: "O(log(N))",
    since: "2.0.0",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[("7.2.0", "Added the optional `WITHSCORE` argument.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("member"),
        Argument::pure_token("withscore", "WITHSCORE").optional(),
    ],
    ..CommandSpec::new("zrank", Group::SortedSet, Handler::Data(zrank))
};

fn zrank(context: &mut Context<'_>, request: Request<'_>) {
    reply_rank(context, request, &ZRANK, false);
}

const ZREVRANK: CommandSpec = CommandSpec {
    summary: "Returns the index of a member in a sorted set ordered by descending scores.",
    complexity: "O(log(N))",
    since: "2.0.0",
    arity: -3,
    flags: Flags::READONLY.and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    history: &[("7.2.0", "Added the optional `WITHSCORE` argument.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::string("member"),
        Argument::pure_token("withscore", "WITHSCORE").optional(),
    ],
    ..CommandSpec::new("zrevrank", Group::SortedSet, Handler::Data(zrevrank))
};

fn zrevrank(context: &mut Context<'_>, request: Request<'_>) {
    reply_rank(context, request, &ZREVRANK, true);
}

fn reply_rank(context: &mut Context<'_>, request: Request<'_>, spec: &CommandSpec, backwards: bool) {
    if request.len() > 4 {
        return context.reply.error_bytes(Rejection::arity(spec).text());
    }
    let with_score = match request.get(3) {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"withscore") => true,
        Some(_) => return context.reply.error(SYNTAX_ERROR),
    };
    let key = context.key(request.arg(1));
    let member = request.arg(2);
    let _answered = context.read_as(&key, |set: Option<&SortedSet>, reply| {
        let found = set.and_then(|set| set.rank(member).map(|(rank, score)| (rank, score, set.len())));
        let Some((rank, score, len)) = found else {
            return if with_score { reply.null_array() } else { reply.null() };
        };
        if with_score {
            reply.array(2);
        }
        reply.integer(if backwards { len - 1 - rank } else { rank } as i64);
        if with_score {
            reply.double(score);
        }
    });
}
