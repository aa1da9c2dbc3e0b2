//! LMOVE and RPOPLPUSH, and the forms that wait for an element: BLMOVE and BRPOPLPUSH.

use lastsave_collections::{List, ListElement, ListEnd, NewElement, OwnedElement};
use lastsave_keyspace::Key;
use lastsave_resp::Request;

use super::wait::block_for_list;
use super::{announce_pop, announce_push, end_argument, reply_element};
use crate::context::Context;
use crate::reply::Replied;
use crate::spec::{Argument, Categories, CommandSpec, DocFlags, Flags, Group, Handler, KeyFlags, KeySpec};
use crate::timeouts;

pub(crate) const COMMANDS: &[CommandSpec] = &[LMOVE, RPOPLPUSH, BLMOVE, BRPOPLPUSH];

const LMOVE: CommandSpec = CommandSpec {
    summary: "Returns an element after popping it from one list and pushing it to another. \
         Deletes the list if the last element was moved.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 5,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::LIST,
    key_specs: &[
        KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::INSERT)),
    ],
    arguments: &[
        Argument::key("source", 0),
        Argument::key("destination", 1),
        Argument::one_of(
            "wherefrom",
            &[Argument::pure_token("left", "LEFT"), Argument::pure_token("right", "RIGHT")],
        ),
        Argument::one_of(
            "whereto",
            &[Argument::pure_token("left", "LEFT"), Argument::pure_token("right", "RIGHT")],
        ),
    ],
    ..CommandSpec::new("lmove", Group::List, Handler::Data(lmove))
};

fn lmove(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(ends) = ends(context, request) else { return };
    if let Ok(Transfer::NoSource) = transfer(context, request, ends) {
        context.reply.null();
    }
}

/// From which end an element is taken, and to which it is added.
type Ends = (ListEnd, ListEnd);

fn ends(context: &mut Context<'_>, request: Request<'_>) -> Result<Ends, Replied> {
    let from = end_argument(context.reply, request.arg(3))?;
    Ok((from, end_argument(context.reply, request.arg(4))?))
}

const RPOPLPUSH: CommandSpec = CommandSpec {
    summary: "Returns the last element of a list after removing and pushing it to another list. \
         Deletes the list if the last element was popped.",
    complexity: "O(1)",
    since: "1.2.0",
    arity: 3,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::LIST,
    key_specs: &[
        KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::INSERT)),
    ],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`LMOVE` with the `RIGHT` and `LEFT` arguments"),
    arguments: &[Argument::key("source", 0), Argument::key("destination", 1)],
    ..CommandSpec::new("rpoplpush", Group::List, Handler::Data(rpoplpush))
};

fn rpoplpush(context: &mut Context<'_>, request: Request<'_>) {
    if let Ok(Transfer::NoSource) = transfer(context, request, (ListEnd::Right, ListEnd::Left)) {
        context.reply.null();
    }
}

/// What became of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transfer {
    /// The element was moved and replied.
    Done,
    /// There is nothing to take.
    NoSource,
}

/// Moves an element from one list to another, and logs it under the name of the form that does not wait.
fn transfer(context: &mut Context<'_>, request: Request<'_>, ends: Ends) -> Result<Transfer, Replied> {
    let (source, target) = (context.key(request.arg(1)), context.key(request.arg(2)));
    if !context.find_as::<List, _>(&source, |list, _| list.is_some())? {
        return Ok(Transfer::NoSource);
    }
    context.find_as::<List, _>(&target, |_, _| ())?;
    let is_source_removed = if source.bytes() == target.bytes() {
        let element = rotate(context, &source, ends);
        announce_push(context, &target, ends.1);
        reply_element(context.reply, element.as_element());
        false
    } else {
        let limits = context.options.list_limits();
        let popped = context.edit(&source, |list: &mut List| {
            let element = list.pop(ends.0).expect("a key holds no empty list");
            list.pack_if_small(true, &limits);
            element
        });
        push(context, &target, ends.1, &popped.result);
        announce_push(context, &target, ends.1);
        reply_element(context.reply, popped.result.as_element());
        popped.is_removed
    };
    announce_pop(context, &source, ends.0, is_source_removed);
    match request.arg(0) {
        name if name.eq_ignore_ascii_case(b"blmove") => {
            let args = [b"LMOVE", request.arg(1), request.arg(2), request.arg(3), request.arg(4)];
            context.log_command(&args, 1);
        }
        name if name.eq_ignore_ascii_case(b"brpoplpush") => {
            context.log_command(&[b"RPOPLPUSH", request.arg(1), request.arg(2)], 1);
        }
        _ => context.log_verbatim(1),
    }
    Ok(Transfer::Done)
}

/// Moves an element of a list to an end of the same list.
fn rotate(context: &mut Context<'_>, key: &Key<'_>, ends: Ends) -> OwnedElement {
    let limits = context.options.list_limits();
    let edited = context.edit(key, |list: &mut List| {
        let element = list.pop(ends.0).expect("a key holds no empty list");
        with_new(&element, |new| {
            list.prepare_growth(1, new.as_bytes().len(), &limits);
            list.push(ends.1, new);
        });
        list.pack_if_small(true, &limits);
        element
    });
    edited.result
}

fn push(context: &mut Context<'_>, key: &Key<'_>, end: ListEnd, element: &OwnedElement) {
    let limits = context.options.list_limits();
    context.edit_or_create(key, |list: &mut List| {
        with_new(element, |new| {
            list.prepare_growth(1, new.as_bytes().len(), &limits);
            list.push(end, new);
        });
    });
}

fn with_new<R>(element: &OwnedElement, write: impl FnOnce(NewElement<'_>) -> R) -> R {
    match element.as_element() {
        ListElement::Shared(bytes) => write(NewElement::Shared(bytes)),
        other => write(NewElement::Bytes(other.to_text(&mut itoa::Buffer::new()))),
    }
}

const BLMOVE: CommandSpec = CommandSpec {
    summary: "Pops an element from a list, pushes it to another list and returns it. Blocks until \
         an element is available otherwise. Deletes the list if the last element was moved.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 6,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::BLOCKING),
    declared_categories: Categories::LIST,
    key_specs: &[
        KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::INSERT)),
    ],
    arguments: &[
        Argument::key("source", 0),
        Argument::key("destination", 1),
        Argument::one_of(
            "wherefrom",
            &[Argument::pure_token("left", "LEFT"), Argument::pure_token("right", "RIGHT")],
        ),
        Argument::one_of(
            "whereto",
            &[Argument::pure_token("left", "LEFT"), Argument::pure_token("right", "RIGHT")],
        ),
        Argument::double("timeout"),
    ],
    ..CommandSpec::new("blmove", Group::List, Handler::Data(blmove))
};

fn blmove(context: &mut Context<'_>, request: Request<'_>) {
    if let Ok(ends) = ends(context, request) {
        transfer_or_wait(context, request, ends, 5);
    }
}

const BRPOPLPUSH: CommandSpec = CommandSpec {
    summary: "Pops an element from a list, pushes it to another list and returns it. Block until \
         an element is available otherwise. Deletes the list if the last element was popped.",
    complexity: "O(1)",
    since: "2.2.0",
    arity: 4,
    flags: Flags::WRITE.and(Flags::DENYOOM).and(Flags::BLOCKING),
    declared_categories: Categories::LIST,
    key_specs: &[
        KeySpec::first(KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::range(2, 0, 1, KeyFlags::RW.and(KeyFlags::INSERT)),
    ],
    doc_flags: DocFlags::DEPRECATED,
    deprecated_since: Some("6.2.0"),
    replaced_by: Some("`BLMOVE` with the `RIGHT` and `LEFT` arguments"),
    history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
    arguments: &[Argument::key("source", 0), Argument::key("destination", 1), Argument::double("timeout")],
    ..CommandSpec::new("brpoplpush", Group::List, Handler::Data(brpoplpush))
};

fn brpoplpush(context: &mut Context<'_>, request: Request<'_>) {
    transfer_or_wait(context, request, (ListEnd::Right, ListEnd::Left), 3);
}

fn transfer_or_wait(context: &mut Context<'_>, request: Request<'_>, ends: Ends, timeout_index: usize) {
    let timeout = timeouts::seconds_argument(context.reply, request.arg(timeout_index), context.now_ms);
    let Ok(timeout_ms) = timeout else { return };
    if let Ok(Transfer::NoSource) = transfer(context, request, ends) {
        if context.may_block {
            block_for_list(context, [request.arg(1)], timeout_ms);
        } else {
            context.reply.null();
        }
    }
}
