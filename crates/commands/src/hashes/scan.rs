//! HSCAN.

use lastsave_collections::Hash;
use lastsave_resp::Request;

use super::get::value;
use crate::context::Context;
use crate::reply::element;
use crate::scan::{ScanOptions, parse_scan_cursor, reply_scan};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[HSCAN];

const HSCAN: CommandSpec = CommandSpec {
    summary: "Iterates over fields and values of a hash.",
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls \
         for the cursor to return back to 0. N is the number of elements inside the \
         collection.",
    since: "2.8.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::HASH,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("cursor"),
        Argument::pattern("pattern").token("MATCH").optional(),
        Argument::integer("count").token("COUNT").optional(),
    ],
    ..CommandSpec::new("hscan", Group::Hash, Handler::Data(hscan))
};

fn hscan(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(cursor) = parse_scan_cursor(context.reply, request.arg(2)) else { return };
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Hash, _>(&key, |hash, reply| {
        let Some(hash) = hash else { return reply_scan(reply, 0, 0, |_| {}) };
        let Ok(options) = ScanOptions::parse(reply, request, 3) else { return };
        let mut found = Vec::new();
        let next = hash.scan(cursor, options.count(), |field, value| {
            if options.matches(field) {
                found.push((field, value));
            }
        });
        reply_scan(reply, next, 2 * found.len(), |reply| {
            for (field, found) in found {
                element(reply, field);
                value(reply, found);
            }
        });
    });
}
