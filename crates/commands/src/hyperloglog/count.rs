//! PFCOUNT.

use lastsave_keyspace::Key;
use lastsave_resp::Request;

use super::estimate::Histogram;
use super::header::CARDINALITY_AT;
use super::key::{CORRUPT, make_raw, read};
use super::{Corrupt, REGISTERS};
use crate::context::Context;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[PFCOUNT];

const PFCOUNT: CommandSpec = CommandSpec {
    summary: "Returns the approximated cardinality of the set(s) observed by the HyperLogLog \
         key(s).",
    complexity: "O(1) with a very small average constant time when called with a single key. O(N) \
         with N being the number of keys, and much bigger constant times, when called with \
         multiple keys.",
    since: "2.8.9",
    arity: -2,
    flags: Flags::READONLY.and(Flags::MAY_REPLICATE),
    declared_categories: Categories::HYPERLOGLOG,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RW.and(KeyFlags::ACCESS)).notes(
        "RW because it may change the internal representation of the key, and propagate to \
         replicas",
    )],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("pfcount", Group::HyperLogLog, Handler::Data(pfcount))
};

fn pfcount(context: &mut Context<'_>, request: Request<'_>) {
    if request.len() == 2 {
        let key = context.key(request.arg(1));
        count_one(context, &key);
    } else {
        count_union(context, request);
    }
}

/// Counts one key. What is computed is kept in the key, which is a change of it, and logged as one.
fn count_one(context: &mut Context<'_>, key: &Key<'_>) {
    let found = read(context, key, |found| {
        found.map(|found| {
            (found.view.cached_cardinality().ok_or_else(|| found.view.cardinality()), found.is_raw)
        })
    });
    let (cardinality, is_raw) = match found {
        Err(_) => return,
        Ok(None) => return context.reply.integer(0),
        Ok(Some(found)) => found,
    };
    if !is_raw {
        make_raw(context, key);
    }
    match cardinality {
        Ok(cached) => context.reply.integer(cached),
        Err(Err(Corrupt)) => context.reply.error(CORRUPT),
        Err(Ok(computed)) => {
            context.keyspace.db_mut(context.db).write_range(key, CARDINALITY_AT, &computed.to_le_bytes());
            context.modified(key);
            context.log_verbatim(1);
            context.reply.integer(computed);
        }
    }
}

fn count_union(context: &mut Context<'_>, request: Request<'_>) {
    let mut registers = [0; REGISTERS];
    for name in request.args().skip(1) {
        let key = context.key(name);
        let merged =
            read(context, &key, |found| found.map_or(Ok(()), |found| found.view.merge_into(&mut registers)));
        match merged {
            Err(_) => return,
            Ok(Err(Corrupt)) => return context.reply.error(CORRUPT),
            Ok(Ok(())) => {}
        }
    }
    let mut histogram = Histogram::new();
    for value in registers {
        histogram.add(value, 1);
    }
    context.reply.integer(histogram.cardinality());
}
