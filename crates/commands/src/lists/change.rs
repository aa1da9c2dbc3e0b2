//! LSET, LINSERT, LREM and LTRIM.

use lastsave_collections::{List, ListEnd};
use lastsave_resp::Request;

use super::{resolve_index, resolve_range};
use crate::context::Context;
use crate::reply::{NO_SUCH_KEY, SYNTAX_ERROR, integer_argument};
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[LSET, LINSERT, LREM, LTRIM];

const LSET: CommandSpec = CommandSpec {
    summary: "Sets the value of an element in a list by its index.",
    complexity: "O(N) where N is the length of the list. Setting either the first or the last \
         element of the list is O(1).",
    since: "1.0.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::UPDATE))],
    arguments: &[Argument::key("key", 0), Argument::integer("index"), Argument::string("element")],
    ..CommandSpec::new("lset", Group::List, Handler::Data(lset))
};

fn lset(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(1));
    let Ok(len) = context.find_as::<List, _>(&key, |list, _| list.map(List::len)) else { return };
    let Some(len) = len else { return context.reply.error(NO_SUCH_KEY) };
    let Ok(index) = integer_argument(context.reply, request.arg(2)) else { return };
    let Some(index) = resolve_index(index, len).filter(|index| *index < len) else {
        return context.reply.error("ERR index out of range");
    };
    let limits = context.options.list_limits();
    context.edit(&key, |list: &mut List| {
        list.prepare_growth(1, request.arg(3).len(), &limits);
        list.replace(index, super::Argument::new(request, 3).as_element());
        list.pack_if_small(true, &limits);
    });
    context.modified(&key);
    context.notify(EventClass::List, "lset", &key);
    context.log_verbatim(1);
    context.reply.ok();
}

const LINSERT: CommandSpec = CommandSpec {
    summary: "Inserts an element before or after another element in a list.",
    complexity: "O(N) where N is the number of elements to traverse before seeing the value pivot. \
         This means that inserting somewhere on the left end on the list (head) can be \
         considered O(1) and inserting somewhere on the right end (tail) is O(N).",
    since: "2.2.0",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::INSERT))],
    arguments: &[
        Argument::key("key", 0),
        Argument::one_of(
            "where",
            &[Argument::pure_token("before", "BEFORE"), Argument::pure_token("after", "AFTER")],
        ),
        Argument::string("pivot"),
        Argument::string("element"),
    ],
    ..CommandSpec::new("linsert", Group::List, Handler::Data(linsert))
};

fn linsert(context: &mut Context<'_>, request: Request<'_>) {
    let is_behind = if request.arg(2).eq_ignore_ascii_case(b"after") {
        true
    } else if request.arg(2).eq_ignore_ascii_case(b"before") {
        false
    } else {
        return context.reply.error(SYNTAX_ERROR);
    };
    let key = context.key(request.arg(1));
    let found = context.find_as::<List, _>(&key, |list, _| {
        let list = list?;
        let mut pivot = None;
        list.find(request.arg(3), ListEnd::Left, usize::MAX, |index| {
            pivot = Some(index);
            false
        });
        Some(pivot)
    });
    let Ok(found) = found else { return };
    let Some(pivot) = found else { return context.reply.integer(0) };
    let Some(pivot) = pivot else { return context.reply.integer(-1) };
    let limits = context.options.list_limits();
    let edited = context.edit(&key, |list: &mut List| {
        list.prepare_growth(1, request.arg(4).len(), &limits);
        list.insert(pivot + usize::from(is_behind), super::Argument::new(request, 4).as_element());
        list.len()
    });
    context.modified(&key);
    context.notify(EventClass::List, "linsert", &key);
    context.log_verbatim(1);
    context.reply.integer(edited.result as i64);
}

const LREM: CommandSpec = CommandSpec {
    summary: "Removes elements from a list. Deletes the list if the last element was removed.",
    complexity: "O(N+M) where N is the length of the list and M is the number of elements removed.",
    since: "1.0.0",
    arity: 4,
    flags: Flags::WRITE,
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::integer("count"), Argument::string("element")],
    ..CommandSpec::new("lrem", Group::List, Handler::Data(lrem))
};

fn lrem(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(count) = integer_argument(context.reply, request.arg(2)) else { return };
    let key = context.key(request.arg(1));
    let Ok(exists) = context.find_as::<List, _>(&key, |list, _| list.is_some()) else { return };
    if !exists {
        return context.reply.integer(0);
    }
    let from = if count < 0 { ListEnd::Right } else { ListEnd::Left };
    let count_max = match usize::try_from(count.unsigned_abs()) {
        Ok(0) | Err(_) => usize::MAX,
        Ok(count) => count,
    };
    let limits = context.options.list_limits();
    let edited = context.edit(&key, |list: &mut List| {
        let removed = list.remove_matches(request.arg(3), from, count_max);
        if removed > 0 {
            list.pack_if_small(true, &limits);
        }
        removed
    });
    if edited.result > 0 {
        context.modified(&key);
        context.notify(EventClass::List, "lrem", &key);
        if edited.is_removed {
            context.notify(EventClass::Generic, "del", &key);
        }
        context.log_verbatim(edited.result as u64);
    }
    context.reply.integer(edited.result as i64);
}

const LTRIM: CommandSpec = CommandSpec {
    summary: "Removes elements from both ends a list. Deletes the list if all elements were \
         trimmed.",
    complexity: "O(N) where N is the number of elements to be removed by the operation.",
    since: "1.0.0",
    arity: 4,
    flags: Flags::WRITE,
    declared_categories: Categories::LIST,
    key_specs: &[KeySpec::first(KeyFlags::RW.and(KeyFlags::DELETE))],
    arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("stop")],
    ..CommandSpec::new("ltrim", Group::List, Handler::Data(ltrim))
};

fn ltrim(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(start) = integer_argument(context.reply, request.arg(2)) else { return };
    let Ok(end) = integer_argument(context.reply, request.arg(3)) else { return };
    let key = context.key(request.arg(1));
    let Ok(exists) = context.find_as::<List, _>(&key, |list, _| list.is_some()) else { return };
    if !exists {
        return context.reply.ok();
    }
    let limits = context.options.list_limits();
    let edited = context.edit(&key, |list: &mut List| {
        let len = list.len();
        let kept = resolve_range(start, end, len);
        list.remove(kept.end..len);
        list.remove(0..kept.start);
        list.pack_if_small(true, &limits);
        len - kept.len()
    });
    context.notify(EventClass::List, "ltrim", &key);
    if edited.is_removed {
        context.notify(EventClass::Generic, "del", &key);
    }
    context.modified(&key);
    if edited.result > 0 {
        context.log_verbatim(edited.result as u64);
    }
    context.reply.ok();
}
