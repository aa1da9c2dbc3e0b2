//! SSCAN.

use lastsave_collections::Set;
use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::element;
use crate::scan::{ScanOptions, parse_scan_cursor, reply_scan};
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[SSCAN];

const SSCAN: CommandSpec = CommandSpec {
    summary: "Iterates over members of a set.",
    complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls \
         for the cursor to return back to 0. N is the number of elements inside the \
         collection.",
    since: "2.8.0",
    arity: -3,
    flags: Flags::READONLY,
    declared_categories: Categories::SET,
    key_specs: &[KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS))],
    tips: &["nondeterministic_output"],
    arguments: &[
        Argument::key("key", 0),
        Argument::integer("cursor"),
        Argument::pattern("pattern").token("MATCH").optional(),
        Argument::integer("count").token("COUNT").optional(),
    ],
    ..CommandSpec::new("sscan", Group::Set, Handler::Data(sscan))
};

fn sscan(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(cursor) = parse_scan_cursor(context.reply, request.arg(2)) else { return };
    let key = context.key(request.arg(1));
    let _ = context.read_as::<Set, _>(&key, |set, reply| {
        let Some(set) = set else { return reply_scan(reply, 0, 0, |_| {}) };
        let Ok(options) = ScanOptions::parse(reply, request, 3) else { return };
        let mut found = Vec::new();
        let next = set.scan(cursor, options.count(), |member| {
            if options.matches(member) {
                found.push(member);
            }
        });
        reply_scan(reply, next, found.len(), |reply| {
            found.into_iter().for_each(|member| element(reply, member));
        });
    });
}
