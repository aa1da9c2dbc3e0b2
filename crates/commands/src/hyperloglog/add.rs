//! PFADD.

use lastsave_keyspace::Key;
use lastsave_resp::Request;
use smallvec::SmallVec;

use super::dense::{self, DENSE_BYTES};
use super::hash::place;
use super::header::{Draft, HEADER_BYTES, Stored};
use super::key::{CORRUPT, find, make_raw, store};
use crate::context::Context;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[PFADD];

/// Up to this many registers of a dense HyperLogLog are changed in place, one by one.
const PATCHES_MAX: usize = 32;

const PFADD: CommandSpec = CommandSpec {
    summary: "Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.",
    complexity: "O(1) to add every element.",
    since: "2.8.9",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::FAST),
    declared_categories: Categories::HYPERLOGLOG,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::INSERT))],
    arguments: &[Argument::key("key", 0), Argument::string("element").optional().multiple()],
    ..CommandSpec::new("pfadd", Group::HyperLogLog, Handler::Data(pfadd))
};

/// What PFADD found at its key.
enum Before {
    Missing,
    /// No element can make a difference.
    Final {
        is_raw: bool,
    },
    /// Some may.
    Open(Draft),
}

fn pfadd(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let places: SmallVec<[(usize, u8); 8]> = request.args().skip(2).map(place).collect();
    let before = find(context, &key, |found| match found {
        None => Before::Missing,
        Some(found) => match found.view.stored {
            Stored::Dense(dense) if places.iter().all(|(at, value)| dense::get(dense, *at) >= *value) => {
                Before::Final { is_raw: found.is_raw }
            }
            _ if places.is_empty() => Before::Final { is_raw: found.is_raw },
            _ => Before::Open(Draft::copy_of(found.text)),
        },
    });
    let (mut draft, created) = match before {
        Err(_) => return,
        Ok(Before::Final { is_raw }) => {
            if !is_raw {
                make_raw(context, &key);
            }
            return context.reply.integer(0);
        }
        Ok(Before::Missing) => (Draft::empty(), true),
        Ok(Before::Open(draft)) => (draft, false),
    };
    let was_dense = draft.is_dense();
    let mut raised: SmallVec<[usize; 8]> = SmallVec::new();
    for (register, value) in places {
        match draft.raise(register, value, context.options.hll_sparse_max_bytes) {
            Ok(true) => raised.push(register),
            Ok(false) => {}
            Err(_) => return context.reply.error(CORRUPT),
        }
    }
    let changes = u64::from(created) + raised.len() as u64;
    if changes == 0 {
        make_raw(context, &key);
        return context.reply.integer(0);
    }
    draft.forget_cardinality();
    if was_dense && raised.len() <= PATCHES_MAX {
        patch(context, &key, &draft, &raised);
    } else {
        store(context, &key, draft);
    }
    context.notify(EventClass::String, "pfadd", &key);
    context.log_verbatim(changes);
    context.reply.integer(1);
}

/// Copies the registers that were raised, and the note about the cardinality, into the stored string.
fn patch(context: &mut Context<'_>, key: &Key<'_>, draft: &Draft, raised: &[usize]) {
    let mut database = context.keyspace.db_mut(context.db);
    database.write_range(key, HEADER_BYTES - 1, &draft.text[HEADER_BYTES - 1..HEADER_BYTES]);
    for register in raised {
        let first = HEADER_BYTES + dense::first_byte(*register);
        database.write_range(key, first, &draft.text[first..first + 2]);
    }
    drop(database);
    debug_assert_eq!(draft.text.len(), HEADER_BYTES + DENSE_BYTES);
    context.modified(key);
}
