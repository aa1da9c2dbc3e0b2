//! ZSCAN.

use lastsave_collections::SortedSet;
use lastsave_resp::{DoubleBuffer, Request};

use crate::context::Context;
use crate::double::to_17_digits;
use crate::reply::element;
use crate::scan::{ScanOptions, parse_scan_cursor, reply_scan};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[ZSCAN];

const ZSCAN: CommandSpec = CommandSpec {
    summary: "Iterates over members and scores of a sorted set.",
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls \
         for the cursor to return back to 0. N is the number of elements inside the \
         collection.",
    since: "2.8.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::SORTEDSET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("cursor"),
        Argument::pattern("pattern").token("MATCH").optional(),
        Argument::integer("count").token("COUNT").optional(),
    ],
    ..CommandSpec::new("zscan", Group::SortedSet, Handler::Data(zscan))
};

fn zscan(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(cursor) = parse_scan_cursor(context.reply, request.arg(2)) else { return };
    let key = context.key(request.arg(1));
    let _ = context.read_as::<SortedSet, _>(&key, |set, reply| {
        let Some(set) = set else { return reply_scan(reply, 0, 0, |_| {}) };
        let Ok(options) = ScanOptions::parse(reply, request, 3) else { return };
        let mut found = Vec::new();
        let next = set.scan(cursor, options.count(), |member, score| {
            if options.matches(member) {
                found.push((member, score));
            }
        });
        // A packed score is told as it is stored; others with more digits than they need, as Redis does.
        let is_packed = set.as_listpack().is_some();
        let mut text = DoubleBuffer::new();
        reply_scan(reply, next, 2 * found.len(), |reply| {
            for (member, score) in found {
                element(reply, member);
                if is_packed {
                    reply.bulk(text.format(score).as_bytes());
                } else {
                    reply.bulk(to_17_digits(score).as_bytes());
                }
            }
        });
    });
}
