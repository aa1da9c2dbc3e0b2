//! ZADD and ZINCRBY.

use lastsave_collections::SortedSet;
use lastsave_keyspace::Key;
use lastsave_resp::{ReplyBuffer, Request};
use smallvec::SmallVec;

use crate::context::Context;
use crate::double::double_argument;
use crate::reply::{Replied, SYNTAX_ERROR, error};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[ZADD, ZINCRBY];

const ZADD: CommandSpec = CommandSpec {
    summary: "Adds one or more members to a sorted set, or updates their scores. Creates the key \
         if it doesn't exist.",
    complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
    since: "1.2.0",
    arity: -4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    history: &[
        ("2.4.0", "Accepts multiple elements."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ],
    arguments: &[
        Argument::key("key", 0),
        Argument::one_of("condition", &[Argument::pure_token("nx", "NX"), Argument::pure_token("xx", "XX")])
            .since("3.0.2")
            .optional(),
        Argument::one_of("comparison", &[Argument::pure_token("gt", "GT"), Argument::pure_token("lt", "LT")])
            .since("6.2.0")
            .optional(),
        Argument::pure_token("change", "CH").since("3.0.2").optional(),
        Argument::pure_token("increment", "INCR").since("3.0.2").optional(),
        Argument::block("data", &[Argument::double("score"), Argument::string("member")]).multiple(),
    ],
    ..CommandSpec::new("zadd", Group::SortedSet, Handler::Data(zadd))
};

fn zadd(context: &mut Context<'_>, request: Request<'_>) {
    add_request(context, request, Options::default());
}

const ZINCRBY: CommandSpec = CommandSpec {
    summary: "Increments the score of a member in a sorted set.",
    complexity: "O(log(N)) where N is the number of elements in the sorted set.",
    since: "1.2.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::integer("increment"), Argument::string("member")],
    ..CommandSpec::new("zincrby", Group::SortedSet, Handler::Data(zincrby))
};

fn zincrby(context: &mut Context<'_>, request: Request<'_>) {
    add_request(context, request, Options { is_increment: true, ..Options::default() });
}

/// What decides which elements are added or changed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    pub(crate) if_missing: bool,
    pub(crate) if_exists: bool,
    pub(crate) if_greater: bool,
    pub(crate) if_less: bool,
    /// The reply counts changed elements as well.
    pub(crate) counts_changes: bool,
    /// Scores are increments.
    pub(crate) is_increment: bool,
}

/// A member with the score it is to have, or the increment.
pub(crate) type Pair<'a> = (f64, &'a [u8]);

fn parse<'a>(
    reply: &mut ReplyBuffer,
    request: Request<'a>,
    mut options: Options,
) -> Result<(Options, SmallVec<[Pair<'a>; 4]>), Replied> {
    let mut index = 2;
    while index < request.len() {
        let word = request.arg(index);
        let option = match word.len() {
            2 if word.eq_ignore_ascii_case(b"nx") => &mut options.if_missing,
            2 if word.eq_ignore_ascii_case(b"xx") => &mut options.if_exists,
            2 if word.eq_ignore_ascii_case(b"ch") => &mut options.counts_changes,
            2 if word.eq_ignore_ascii_case(b"gt") => &mut options.if_greater,
            2 if word.eq_ignore_ascii_case(b"lt") => &mut options.if_less,
            4 if word.eq_ignore_ascii_case(b"incr") => &mut options.is_increment,
            _ => break,
        };
        *option = true;
        index += 1;
    }
    let left = request.len() - index;
    if left == 0 || !left.is_multiple_of(2) {
        return Err(error(reply, SYNTAX_ERROR));
    }
    let Options { if_missing, if_exists, if_greater, if_less, .. } = options;
    if if_missing && if_exists {
        return Err(error(reply, "ERR XX and NX options at the same time are not compatible"));
    }
    if if_missing && (if_greater || if_less) || if_greater && if_less {
        return Err(error(reply, "ERR GT, LT, and/or NX options at the same time are not compatible"));
    }
    if options.is_increment && left > 2 {
        return Err(error(reply, "ERR INCR option supports a single increment-element pair"));
    }
    let mut pairs = SmallVec::new();
    for at in (index..request.len()).step_by(2) {
        pairs.push((double_argument(reply, request.arg(at), None)?, request.arg(at + 1)));
    }
    Ok((options, pairs))
}

fn add_request(context: &mut Context<'_>, request: Request<'_>, options: Options) {
    let Ok((options, pairs)) = parse(context.reply, request, options) else { return };
    let key = context.key(request.arg(1));
    if let Some(changes) = add(context, &key, &options, &pairs) {
        context.log_verbatim(changes);
    }
}

/// What is to become of an element.
enum Decision {
    /// The options forbid to touch it.
    Untouched,
    /// It has the score already.
    Same(f64),
    /// It is to have this score.
    Set(f64),
}

/// The sum of score and increment is not a number.
struct NotANumber;

fn decide(options: &Options, before: Option<f64>, score: f64) -> Result<Decision, NotANumber> {
    let Some(before) = before else {
        return Ok(if options.if_exists { Decision::Untouched } else { Decision::Set(score) });
    };
    if options.if_missing {
        return Ok(Decision::Untouched);
    }
    let score = if options.is_increment { before + score } else { score };
    if score.is_nan() {
        return Err(NotANumber);
    }
    Ok(if (options.if_less && score >= before) || (options.if_greater && score <= before) {
        Decision::Untouched
    } else if score == before {
        Decision::Same(score)
    } else {
        Decision::Set(score)
    })
}

/// What happened to the elements so far.
#[derive(Debug, Default)]
struct Outcome {
    added: u64,
    updated: u64,
    /// The last score that was set or found as it was to be.
    score: Option<f64>,
}

impl Outcome {
    fn note(&mut self, before: Option<f64>, score: f64) {
        self.score = Some(score);
        match before {
            Some(_) => self.updated += 1,
            None => self.added += 1,
        }
    }
}

/// Adds elements and replies. Gives the number of changes if there are any, which the caller logs.
pub(crate) fn add(
    context: &mut Context<'_>,
    key: &Key<'_>,
    options: &Options,
    pairs: &[Pair<'_>],
) -> Option<u64> {
    let mut outcome = Outcome::default();
    // Up to the first change the sorted set is only read: an edit that changes nothing would have to be logged.
    let first = context.find_as(key, |set: Option<&SortedSet>, _| {
        for (index, (score, member)) in pairs.iter().enumerate() {
            let before = set.and_then(|set| set.score(member));
            match decide(options, before, *score)? {
                Decision::Untouched => {}
                Decision::Same(score) => outcome.score = Some(score),
                Decision::Set(score) => return Ok(Some((index, before, score))),
            }
        }
        Ok::<_, NotANumber>(None)
    });
    let Ok(first) = first else { return None };
    let Ok(first) = first else {
        context.reply.error("ERR resulting score is not a number (NaN)");
        return None;
    };
    if let Some((index, before, score)) = first {
        let limits = context.options.sorted_set_limits();
        context.edit_or_create(key, |set: &mut SortedSet| {
            if set.is_empty() {
                *set = SortedSet::with_expected(pairs.len(), pairs[0].1.len(), &limits);
            } else {
                set.expect_len(pairs.len(), &limits);
            }
            set.set(pairs[index].1, before, score, &limits);
            outcome.note(before, score);
            for (score, member) in &pairs[index + 1..] {
                let before = set.score(member);
                // Increments come alone, so nothing here can become NaN.
                if let Ok(Decision::Set(score)) = decide(options, before, *score) {
                    set.set(member, before, score, &limits);
                    outcome.note(before, score);
                }
            }
        });
    }
    let changes = outcome.added + outcome.updated;
    match (options.is_increment, outcome.score) {
        (true, Some(score)) => context.reply.double(score),
        (true, None) => context.reply.null(),
        (false, _) => {
            context.reply.integer(if options.counts_changes { changes } else { outcome.added } as i64);
        }
    }
    if changes == 0 {
        return None;
    }
    context.modified(key);
    context.notify(EventClass::SortedSet, if options.is_increment { "zincr" } else { "zadd" }, key);
    Some(changes)
}
