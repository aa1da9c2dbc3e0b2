//! Keys and their values as JSON text. The tests describe their fixtures with it, too.

use std::fmt::Write as _;

use lastsave_listpack::{Listpack, ListpackValue};
use lastsave_rdb::{
    EntriesRead, EntryId, HashValue, KeyRecord, ListNodeValue, SetValue, SortedSetValue, StreamGroup,
    StreamValue, StringValue, Value,
};

/// A JSON string of arbitrary bytes.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 2);
    text.push('"');
    for &byte in bytes {
        match byte {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(text, "\\u{byte:04x}")),
        }
    }
    text.push('"');
    text
}

/// One line, without its end: where the key is, what is known about it, and its value.
pub(crate) fn key_line(database: u64, record: &KeyRecord) -> String {
    let mut members = vec![
        ("db", database.to_string()),
        ("key", quoted(&record.key)),
        ("type", quoted(record.object_type.name().as_bytes())),
    ];
    let metadata = &record.metadata;
    members.extend(metadata.expires_at_ms.map(|at| ("expires_at_ms", at.to_string())));
    members.extend(metadata.idle_seconds.map(|seconds| ("idle_seconds", seconds.to_string())));
    members.extend(metadata.frequency.map(|frequency| ("frequency", frequency.to_string())));
    members.push(("value", value(&record.value)));
    if let Value::Hash(HashValue::Expiring(fields)) = &record.value {
        let times = fields
            .iter()
            .filter_map(|(field, _, time_ms)| time_ms.map(|at| format!("{}:{at}", quoted(field.as_slice()))));
        members.push(("field_expires_at_ms", braces(times)));
    }
    braces(members.into_iter().map(|(name, text)| format!("\"{name}\":{text}")))
}

fn braces(items: impl Iterator<Item = String>) -> String {
    format!("{{{}}}", items.collect::<Vec<_>>().join(","))
}

fn brackets(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

/// A value: text, array, object; a stream with all that is known about it.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(StringValue::Integer(number)) => format!("\"{number}\""),
        Value::String(StringValue::Bytes(bytes)) => quoted(bytes),
        Value::List(list) => brackets(list.nodes.iter().flat_map(|node| match node {
            ListNodeValue::Packed(listpack) => strings(listpack),
            ListNodeValue::Plain(bytes) => vec![quoted(bytes)],
        })),
        Value::Set(SetValue::Intset(members)) => {
            brackets(members.iter().map(|member| format!("\"{member}\"")))
        }
        Value::Set(SetValue::Listpack(members)) => brackets(strings(members).into_iter()),
        Value::Set(SetValue::Members(members)) => {
            brackets(members.iter().map(|member| quoted(member.as_slice())))
        }
        Value::Hash(HashValue::Listpack(fields)) => braces(
            fields
                .pairs()
                .map(|(field, value)| format!("{}:{}", quoted(&field.to_vec()), quoted(&value.to_vec()))),
        ),
        Value::Hash(HashValue::Fields(fields)) => {
            braces(fields.pairs().map(|(field, value)| pair(field, value)))
        }
        Value::Hash(HashValue::Expiring(fields)) => {
            braces(fields.iter().map(|(field, value, _)| pair(field, value)))
        }
        Value::SortedSet(SortedSetValue::Elements(elements)) => {
            brackets(elements.iter().map(|(member, score)| format!("[{},{}]", quoted(member), number(score))))
        }
        Value::SortedSet(SortedSetValue::Listpack(elements)) => {
            brackets(elements.pairs().map(|(member, score)| {
                let score = String::from_utf8_lossy(&score.to_vec()).parse().unwrap_or(f64::NAN);
                format!("[{},{}]", quoted(&member.to_vec()), number(score))
            }))
        }
        Value::Stream(stream) => stream_value(stream),
        other => quoted(format!("{other:?}").as_bytes()),
    }
}

fn strings(listpack: &Listpack) -> Vec<String> {
    listpack.iter().map(|element| quoted(&element.to_vec())).collect()
}

fn pair(field: lastsave_rdb::StringPart<'_>, value: lastsave_rdb::StringPart<'_>) -> String {
    format!("{}:{}", quoted(field.as_slice()), quoted(value.as_slice()))
}

/// A score; JSON has no infinity.
fn number(score: f64) -> String {
    if score.is_finite() { score.to_string() } else { format!("\"{score}\"") }
}

fn stream_value(stream: &StreamValue) -> String {
    let summary = &stream.summary;
    let mut entries = Vec::new();
    for (id, listpack) in &stream.nodes {
        node_entries(*id, listpack, &mut entries);
    }
    format!(
        "{{\"entries\":{},\"last_id\":\"{}\",\"max_deleted_id\":\"{}\",\"entries_added\":{},\"groups\":{}}}",
        brackets(entries.into_iter()),
        summary.last_id,
        summary.max_deleted_id,
        summary.entries_added,
        brackets(stream.groups.iter().map(group))
    )
}

/// The entries of a node that are not deleted, each as its id and a list of fields and values. The reader has checked the
/// form: number of entries, of deleted ones, of fields, the fields, 0; then each entry with flags, distances of its id,
/// its fields unless they are those, its values, and its size.
fn node_entries(node: EntryId, listpack: &Listpack, entries: &mut Vec<String>) {
    const DELETED: i64 = 1;
    const SAME_FIELDS: i64 = 2;
    let mut elements = listpack.iter();
    let integer = |elements: &mut dyn Iterator<Item = ListpackValue<'_>>| {
        elements.next().and_then(|element| element.parse_integer()).unwrap_or(0)
    };
    let count = integer(&mut elements) + integer(&mut elements);
    let field_count = integer(&mut elements) as usize;
    let fields: Vec<Vec<u8>> = elements.by_ref().take(field_count).map(|field| field.to_vec()).collect();
    let _end_of_fields = elements.next();
    for _ in 0..count {
        let flags = integer(&mut elements);
        let ms = node.ms.wrapping_add(integer(&mut elements) as u64);
        let seq = node.seq.wrapping_add(integer(&mut elements) as u64);
        let mut texts = Vec::new();
        if flags & SAME_FIELDS != 0 {
            for (field, value) in fields.iter().zip(&mut elements) {
                texts.extend([quoted(field), quoted(&value.to_vec())]);
            }
        } else {
            let strings = 2 * integer(&mut elements) as usize;
            texts.extend(elements.by_ref().take(strings).map(|element| quoted(&element.to_vec())));
        }
        let _size = elements.next();
        if flags & DELETED == 0 {
            entries.push(format!("[\"{ms}-{seq}\",{}]", brackets(texts.into_iter())));
        }
    }
}

fn group(group: &StreamGroup) -> String {
    let name = |consumer: usize| quoted(&group.consumers[consumer].name);
    let entries_read = match group.entries_read {
        EntriesRead::Known(read) => read.to_string(),
        EntriesRead::Untold | EntriesRead::Unknown => "null".to_owned(),
    };
    let pending = group.pending.iter().map(|pending| {
        format!(
            "{{\"id\":\"{}\",\"consumer\":{},\"delivered_ms\":{},\"deliveries\":{}}}",
            pending.id,
            name(pending.consumer),
            pending.delivered_ms,
            pending.deliveries
        )
    });
    let consumers = group.consumers.iter().map(|consumer| {
        let active_ms = consumer.active_ms.map_or("null".to_owned(), |at| at.to_string());
        format!(
            "{{\"name\":{},\"seen_ms\":{},\"active_ms\":{active_ms}}}",
            quoted(&consumer.name),
            consumer.seen_ms
        )
    });
    format!(
        "{{\"name\":{},\"last_id\":\"{}\",\"entries_read\":{entries_read},\"pending\":{},\"consumers\":{}}}",
        quoted(&group.name),
        group.last_id,
        brackets(pending),
        brackets(consumers)
    )
}
