//! SORT and SORT_RO.

use std::borrow::Cow;
use std::ops::Range;

use lastsave_collections::ListBuilder;
use lastsave_keyspace::{Entry, Expiry, IntegerBuffer, NewValue, Value};
use lastsave_resp::{ReplyBuffer, Request};

use super::sort_order::{Elements, Order, parse_weight};
use super::sort_pattern::{Pattern, look_up};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, WRONG_TYPE, error, integer_argument};
use crate::signals::EventClass;
use crate::spec::{
    Argument, Categories, CommandSpec, Flags, Group, Handler, InvalidKeys, KeyFlags, KeyPosition,
    KeyPositions, KeySpec,
};

pub(crate) const COMMANDS: &[CommandSpec] = &[SORT, SORT_RO];

const SORT: CommandSpec = CommandSpec {
    summary: "Sorts the elements in a list, a set, or a sorted set, optionally storing the result.",
    complexity: "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M \
         the number of returned elements. When the elements are not sorted, complexity is \
         O(N).",
    since: "1.0.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::DENYOOM),
    declared_categories: Categories::SET
        .and(Categories::SORTEDSET)
        .and(Categories::LIST)
        .and(Categories::DANGEROUS),
    key_specs: &[
        KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS)),
        KeySpec::unknown(KeyFlags::RO.and(KeyFlags::ACCESS)).notes(
            "For the optional BY/GET keyword. It is marked 'unknown' because the key names \
         derive from the content of the key we sort",
        ),
        KeySpec::unknown(KeyFlags::OW.and(KeyFlags::UPDATE)).notes(
            "For the optional STORE keyword. It is marked 'unknown' because the keyword can \
         appear anywhere in the argument array",
        ),
    ],
    arguments: &[
        Argument::key("key", 0),
        Argument::pattern("by-pattern").token("BY").display("pattern").key_spec(1).optional(),
        Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
            .token("LIMIT")
            .optional(),
        Argument::pattern("get-pattern")
            .token("GET")
            .display("pattern")
            .key_spec(1)
            .optional()
            .multiple()
            .multiple_token(),
        Argument::one_of(
            "order",
            &[Argument::pure_token("asc", "ASC"), Argument::pure_token("desc", "DESC")],
        )
        .optional(),
        Argument::pure_token("sorting", "ALPHA").optional(),
        Argument::key("destination", 2).token("STORE").optional(),
    ],
    key_finder: Some(sort_keys),
    ..CommandSpec::new("sort", Group::Generic, Handler::Data(sort))
};

fn sort(context: &mut Context<'_>, request: Request<'_>) {
    run(context, request, true);
}

/// The key that is sorted, and the one named last to store the result.
fn sort_keys<'a>(count: usize, argument: &dyn Fn(usize) -> &'a [u8]) -> Result<KeyPositions, InvalidKeys> {
    let mut keys = sort_ro_keys(count, argument)?;
    let mut target = None;
    let mut index = 2;
    while index < count {
        let word = argument(index).to_ascii_lowercase();
        index += match word.as_slice() {
            b"limit" => 3,
            b"get" | b"by" => 2,
            b"store" if index + 1 < count => {
                target = Some(index + 1);
                1
            }
            _ => 1,
        };
    }
    keys.extend(target.map(|index| KeyPosition { index, flags: KeyFlags::OW.and(KeyFlags::UPDATE) }));
    Ok(keys)
}

const SORT_RO: CommandSpec = CommandSpec {
    summary: "Returns the sorted elements of a list, a set, or a sorted set.",
    complexity: "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M \
         the number of returned elements. When the elements are not sorted, complexity is \
         O(N).",
    since: "7.0.0",
    arity: -2,
    flags: Flags::READONLY,
    declared_categories: Categories::SET
        .and(Categories::SORTEDSET)
        .and(Categories::LIST)
        .and(Categories::DANGEROUS),
    key_specs: &[
        KeySpec::first(KeyFlags::RO.and(KeyFlags::ACCESS)),
        KeySpec::unknown(KeyFlags::RO.and(KeyFlags::ACCESS)).notes(
            "For the optional BY/GET keyword. It is marked 'unknown' because the key names \
         derive from the content of the key we sort",
        ),
    ],
    arguments: &[
        Argument::key("key", 0),
        Argument::pattern("by-pattern").token("BY").display("pattern").key_spec(1).optional(),
        Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
            .token("LIMIT")
            .optional(),
        Argument::pattern("get-pattern")
            .token("GET")
            .display("pattern")
            .key_spec(1)
            .optional()
            .multiple()
            .multiple_token(),
        Argument::one_of(
            "order",
            &[Argument::pure_token("asc", "ASC"), Argument::pure_token("desc", "DESC")],
        )
        .optional(),
        Argument::pure_token("sorting", "ALPHA").optional(),
    ],
    key_finder: Some(sort_ro_keys),
    ..CommandSpec::new("sort_ro", Group::Generic, Handler::Data(sort_ro))
};

fn sort_ro(context: &mut Context<'_>, request: Request<'_>) {
    run(context, request, false);
}

/// The key that is sorted.
fn sort_ro_keys<'a>(
    _count: usize,
    _argument: &dyn Fn(usize) -> &'a [u8],
) -> Result<KeyPositions, InvalidKeys> {
    Ok([KeyPosition { index: 1, flags: KeyFlags::RO.and(KeyFlags::ACCESS) }].into_iter().collect())
}

#[derive(Debug, Default)]
struct SortOptions<'a> {
    by: Option<&'a [u8]>,
    /// A BY names no key, so that nothing is to be sorted. As in Redis, another one does not change that.
    keeps_order: bool,
    offset: i64,
    /// Negative for everything.
    count: Option<i64>,
    gets: Vec<Pattern<'a>>,
    is_descending: bool,
    is_alphabetic: bool,
    target: Option<&'a [u8]>,
}

impl<'a> SortOptions<'a> {
    fn parse(reply: &mut ReplyBuffer, request: Request<'a>, may_store: bool) -> Result<Self, Replied> {
        let mut options = Self::default();
        let mut index = 2;
        while index < request.len() {
            let word = request.arg(index).to_ascii_lowercase();
            let (next, second) = (request.get(index + 1), request.get(index + 2));
            index += 1;
            match (word.as_slice(), next, second) {
                (b"asc", ..) => options.is_descending = false,
                (b"desc", ..) => options.is_descending = true,
                (b"alpha", ..) => options.is_alphabetic = true,
                (b"limit", Some(offset), Some(count)) => {
                    options.offset = integer_argument(reply, offset)?;
                    options.count = Some(integer_argument(reply, count)?);
                    index += 2;
                }
                (b"store", Some(target), _) if may_store => {
                    options.target = Some(target);
                    index += 1;
                }
                (b"by", Some(pattern), _) => {
                    options.by = Some(pattern);
                    options.keeps_order |= !pattern.contains(&b'*');
                    index += 1;
                }
                (b"get", Some(pattern), _) => {
                    options.gets.push(Pattern::new(pattern));
                    index += 1;
                }
                _ => return Err(error(reply, SYNTAX_ERROR)),
            }
        }
        Ok(options)
    }

    /// The range of the elements, once they are in order, that LIMIT lets through.
    fn range(&self, len: usize) -> Range<usize> {
        let start = usize::try_from(self.offset).unwrap_or(0).min(len);
        let count = match self.count {
            Some(count @ 0..) => usize::try_from(count).unwrap_or(usize::MAX),
            _ => len,
        };
        start..start.saturating_add(count).min(len)
    }
}

/// What is known about the order of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// They have none.
    Unordered,
    /// They have one of their own.
    Ordered,
    /// They are as asked for, and no more of them than asked for.
    Finished,
}

/// The elements of a list, set or sorted set. `wanted` tells which ones, if they are to keep an order of their own.
fn elements_of(entry: &Entry<'_>, wanted: Option<&SortOptions<'_>>) -> Option<(Source, Elements)> {
    let mut elements = Elements::default();
    let is_backwards = wanted.is_some_and(|wanted| wanted.is_descending);
    let range = |len| wanted.map_or(0..len, |wanted| wanted.range(len));
    match entry.value() {
        Value::Set(set) => {
            set.iter().for_each(|member| elements.push(member));
            return Some((Source::Unordered, elements));
        }
        Value::List(list) => {
            let range = range(list.len());
            let start = if is_backwards { list.len().saturating_sub(1 + range.start) } else { range.start };
            list.visit(start, is_backwards, |element| {
                if elements.len() < range.len() {
                    elements.push_text(element.to_text(&mut IntegerBuffer::new()));
                }
                elements.len() < range.len()
            });
        }
        Value::SortedSet(set) => {
            let (range, len) = (range(set.len()), set.len());
            let found = if is_backwards {
                set.elements_backwards(len - range.end..len - range.start)
            } else {
                set.elements(range)
            };
            found.for_each(|(member, _)| elements.push(member));
        }
        _ => return None,
    }
    Some((if wanted.is_some() { Source::Finished } else { Source::Ordered }, elements))
}

fn run(context: &mut Context<'_>, request: Request<'_>, may_store: bool) {
    let Ok(options) = SortOptions::parse(context.reply, request, may_store) else { return };
    let key = context.key(request.arg(1));
    let found = context.read(&key, |entry, reply| match entry {
        None => Ok((Source::Finished, Elements::default())),
        Some(entry) => {
            let found = elements_of(&entry, options.keeps_order.then_some(&options));
            found.ok_or_else(|| error(reply, WRONG_TYPE))
        }
    });
    let Ok((source, elements)) = found else { return };
    match ordered(context, &options, source, &elements) {
        Some(mut indexes) => {
            if source != Source::Finished {
                let range = options.range(indexes.len());
                indexes.truncate(range.end);
                indexes.drain(..range.start);
            }
            match options.target {
                Some(target) => store(context, &options, &elements, &indexes, target),
                None => reply_sorted(context, &options, &elements, &indexes),
            }
        }
        None => context.reply.error("ERR One or more scores can't be converted into double"),
    }
}

/// The indexes of the elements in the order that is asked for; nothing if one has to be a number and is none.
fn ordered(
    context: &mut Context<'_>,
    options: &SortOptions<'_>,
    source: Source,
    elements: &Elements,
) -> Option<Vec<u32>> {
    let keeps_order = options.keeps_order;
    // What is stored has to be the same whenever it is done again, so it needs an order.
    let needs_order = keeps_order && source == Source::Unordered && options.target.is_some();
    let mut order = Order::new(elements, options.is_descending);
    if keeps_order && !needs_order {
        return Some(order.into_indexes());
    }
    let by = options.by.filter(|_| !keeps_order).map(Pattern::new);
    if options.is_alphabetic || needs_order {
        match by {
            Some(by) => {
                let texts = elements.iter().map(|element| look_up(context, &by, element));
                let texts: Vec<_> = texts.map(|found| found.map(Cow::into_owned)).collect();
                order.by_text(&texts, source == Source::Ordered);
            }
            None => order.by_element(),
        }
    } else {
        let mut weights = Vec::with_capacity(elements.len());
        for element in elements.iter() {
            weights.push(match &by {
                None => parse_weight(element)?,
                Some(by) => match look_up(context, by, element) {
                    Some(found) => parse_weight(&found)?,
                    None => 0.0,
                },
            });
        }
        order.by_weight(&weights);
    }
    Some(order.into_indexes())
}

fn reply_sorted(context: &mut Context<'_>, options: &SortOptions<'_>, elements: &Elements, indexes: &[u32]) {
    context.reply.array(indexes.len() * options.gets.len().max(1));
    for index in indexes {
        let element = elements.get(*index);
        if options.gets.is_empty() {
            context.reply.bulk(element);
        }
        for pattern in &options.gets {
            match look_up(context, pattern, element) {
                Some(found) => context.reply.bulk(&found),
                None => context.reply.null(),
            }
        }
    }
}

fn store(
    context: &mut Context<'_>,
    options: &SortOptions<'_>,
    elements: &Elements,
    indexes: &[u32],
    target: &[u8],
) {
    let mut list = ListBuilder::new(&context.options.list_limits());
    let mut len = 0;
    for index in indexes {
        let element = elements.get(*index);
        if options.gets.is_empty() {
            list.push_element(element);
            len += 1;
        }
        for pattern in &options.gets {
            list.push_element(&look_up(context, pattern, element).unwrap_or_default());
            len += 1;
        }
    }
    let key = context.key(target);
    context.reply.integer(len);
    if len > 0 {
        context.store(&key, NewValue::List(list.finish()), Expiry::Clear);
        context.notify(EventClass::List, "sortstore", &key);
        context.log_verbatim(len as u64);
    } else if context.exists_in(context.db, &key) {
        context.keyspace.db_mut(context.db).remove(&key);
        context.modified(&key);
        context.notify(EventClass::Generic, "del", &key);
        context.log_verbatim(1);
    }
}
