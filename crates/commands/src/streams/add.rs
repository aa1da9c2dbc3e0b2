//! XADD and XTRIM: entries come at one end and go at the other.

use lastsave_collections::{ENTRY_BYTES_MAX, Stream, StreamId};
use lastsave_resp::Request;
use smallvec::SmallVec;

use super::id::GivenId;
use super::trim_options::{self, TrimOption, exact_threshold};
use super::{IdText, entries};
use crate::context::Context;
use crate::reply::Replied;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::table::Rejection;

pub(crate) const COMMANDS: &[CommandSpec] = &[XADD, XTRIM];

const ID_TOO_SMALL: &str = "ERR The ID specified in XADD is equal or smaller than the target stream top item";

const XADD: CommandSpec = CommandSpec {
    summary: "Appends a new message to a stream. Creates the key if it doesn't exist.",
    complexity: "O(1) when adding a new entry, O(N) when trimming where N being the number of \
         entries evicted.",
    since: "5.0.0",
    arity: -5,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))
        .notes("UPDATE instead of INSERT because of the optional trimming feature")],
    tips: &["nondeterministic_output"],
    history: &[
        ("6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option."),
        ("7.0.0", "Added support for the `<ms>-*` explicit ID form."),
    ],
    arguments: &[
        Argument::key("key", 0),
        Argument::pure_token("nomkstream", "NOMKSTREAM").since("6.2.0").optional(),
        Argument::block(
            "trim",
            &[
                Argument::one_of(
                    "strategy",
                    &[
                        Argument::pure_token("maxlen", "MAXLEN"),
                        Argument::pure_token("minid", "MINID").since("6.2.0"),
                    ],
                ),
                Argument::one_of(
                    "operator",
                    &[Argument::pure_token("equal", "="), Argument::pure_token("approximately", "~")],
                )
                .optional(),
                Argument::string("threshold"),
                Argument::integer("count").token("LIMIT").since("6.2.0").optional(),
            ],
        )
        .optional(),
        Argument::one_of("id-selector", &[Argument::pure_token("auto-id", "*"), Argument::string("id")]),
        Argument::block("data", &[Argument::string("field"), Argument::string("value")]).multiple(),
    ],
    ..CommandSpec::new("xadd", Group::Stream, Handler::Data(xadd))
};

/// Why an entry is not added.
enum Refusal {
    NoStream,
    Text(&'static str),
}

fn xadd(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(options) = trim_options::parse_add(context, request) else { return };
    let first_field = options.id_index + 1;
    let field_args = request.len().saturating_sub(first_field);
    if field_args < 2 || field_args % 2 == 1 {
        return context.reply.error_bytes(Rejection::arity(&XADD).text());
    }
    if options.id == Some(GivenId::Full(StreamId::MIN)) {
        return context.reply.error("ERR The ID specified in XADD must be greater than 0-0");
    }
    let fields = (first_field..request.len())
        .step_by(2)
        .map(move |index| (request.arg(index), request.arg(index + 1)));
    let text_bytes: usize = fields.clone().map(|(field, value)| field.len() + value.len()).sum();
    let key = context.key(request.arg(1));
    let now_ms = context.now_ms;
    let found = context.find_as::<Stream, _>(&key, |stream, _| {
        let last_id = match stream {
            None if options.no_create => return Err(Refusal::NoStream),
            None => StreamId::MIN,
            Some(stream) => stream.last_id(),
        };
        if last_id == StreamId::MAX {
            const EXHAUSTED: &str =
                "ERR The stream has exhausted the last possible ID, unable to add more items";
            return Err(Refusal::Text(EXHAUSTED));
        }
        let id = new_id(last_id, options.id, now_ms).ok_or(Refusal::Text(ID_TOO_SMALL))?;
        if text_bytes > ENTRY_BYTES_MAX {
            return Err(Refusal::Text("ERR Elements are too large to be stored"));
        }
        Ok(id)
    });
    let id = match found {
        Err(Replied) => return,
        Ok(Err(Refusal::NoStream)) => return context.reply.null(),
        Ok(Err(Refusal::Text(text))) => return context.reply.error(text),
        Ok(Ok(id)) => id,
    };
    let limits = context.options.stream_limits();
    let (removed, threshold) = context.edit_or_create::<Stream, _>(&key, |stream| {
        stream.append(id, fields, &limits);
        options.trim.map_or((0, None), |option| trim(stream, &option))
    });
    entries::id(context.reply, id);
    context.modified(&key);
    context.notify(EventClass::Stream, "xadd", &key);
    if removed > 0 {
        context.notify(EventClass::Stream, "xtrim", &key);
    }
    if threshold.is_none() && matches!(options.id, Some(GivenId::Full(_))) {
        return context.log_verbatim(1);
    }
    let id = IdText::new(id);
    let mut args: SmallVec<[&[u8]; 16]> = request.args().collect();
    args[options.id_index] = id.as_bytes();
    if let (Some(option), Some(threshold)) = (options.trim, &threshold) {
        args[option.threshold_index - 1] = b"=";
        args[option.threshold_index] = threshold;
    }
    context.log_command(&args, 1);
}

/// The id of a new entry; nothing when it would not be greater than all before.
fn new_id(last_id: StreamId, given: Option<GivenId>, now_ms: i64) -> Option<StreamId> {
    let id = match given {
        Some(GivenId::Full(id)) => id,
        Some(GivenId::Time(ms)) if ms == last_id.ms => StreamId::new(ms, last_id.seq.checked_add(1)?),
        Some(GivenId::Time(ms)) => StreamId::new(ms, 0),
        None => {
            let now_ms = u64::try_from(now_ms).unwrap_or(0);
            if now_ms > last_id.ms { StreamId::new(now_ms, 0) } else { last_id.next()? }
        }
    };
    (id > last_id).then_some(id)
}

/// Trims a stream. Gives the number of entries removed, and, if the trimming was approximate, the threshold by which
/// the same can be had exactly.
fn trim(stream: &mut Stream, option: &TrimOption) -> (u64, Option<Vec<u8>>) {
    let removed = stream.trim(option.trim, option.is_approximate, option.limit);
    let exact = || exact_threshold(option.trim, stream.length(), stream.first_stored_id());
    (removed, option.is_approximate.then(exact))
}

const XTRIM: CommandSpec = CommandSpec {
    summary: "Deletes messages from the beginning of a stream.",
    complexity: "O(N), with N being the number of evicted entries. Constant times are very small \
         however, since entries are organized in macro nodes containing multiple entries that \
         can be released with a single deallocation.",
    since: "5.0.0",
    arity: -4,
    flags: Flags::WRITE,
    declared_categories: Categories::STREAM,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    tips: &["nondeterministic_output"],
    history: &[("6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option.")],
    arguments: &[
        Argument::key("key", 0),
        Argument::block(
            "trim",
            &[
                Argument::one_of(
                    "strategy",
                    &[
                        Argument::pure_token("maxlen", "MAXLEN"),
                        Argument::pure_token("minid", "MINID").since("6.2.0"),
                    ],
                ),
                Argument::one_of(
                    "operator",
                    &[Argument::pure_token("equal", "="), Argument::pure_token("approximately", "~")],
                )
                .optional(),
                Argument::string("threshold"),
                Argument::integer("count").token("LIMIT").since("6.2.0").optional(),
            ],
        ),
    ],
    ..CommandSpec::new("xtrim", Group::Stream, Handler::Data(xtrim))
};

fn xtrim(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(option) = trim_options::parse_trim(context, request) else { return };
    let key = context.key(request.arg(1));
    match context.find_as::<Stream, _>(&key, |stream, _| stream.is_some()) {
        Err(Replied) => return,
        Ok(false) => return context.reply.integer(0),
        Ok(true) => {}
    }
    let (removed, threshold) = context.edit::<Stream, _>(&key, |stream| trim(stream, &option)).result;
    if removed > 0 {
        context.notify(EventClass::Stream, "xtrim", &key);
        context.modified(&key);
        match &threshold {
            None => context.log_verbatim(removed),
            Some(threshold) => {
                let mut args: SmallVec<[&[u8]; 8]> = request.args().collect();
                args[option.threshold_index - 1] = b"=";
                args[option.threshold_index] = threshold;
                context.log_command(&args, removed);
            }
        }
    }
    context.reply.integer(removed as i64);
}
