//! Lists as values.

use lastsave_collections::{List, ListBuilder, ListElement, ListNode, OwnedElement};
use lastsave_keyspace::NewValue;
use lastsave_rdb::{ListNodeRef, ListNodeValue, ListValue, Put, StringRef, ValueWriter, WriteError};

use super::{REWRITE_ELEMENTS_MAX, Unstorable};
use crate::digest::DataDigest;
use crate::options::DataOptions;

/// The number by which the digest of Redis tells a list from other types.
const DIGEST_TYPE: u32 = 1;

pub(super) fn write<P: Put>(value: &List, writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    if writer.has_list_nodes() {
        let nodes = value.nodes().map(|node| match node {
            ListNode::Packed(bytes) => ListNodeRef::Packed(bytes),
            ListNode::Compressed { lzf, bytes } => ListNodeRef::Compressed { lzf, bytes },
            ListNode::Plain(bytes) => ListNodeRef::Plain(bytes),
        });
        return writer.list(value.nodes().count(), nodes);
    }
    writer.list_of_elements(value.len(), |put| {
        value.visit(0, false, |element| {
            put(match element {
                ListElement::Integer(number) => StringRef::Integer(number),
                ListElement::Bytes(bytes) => StringRef::Bytes(bytes),
                ListElement::Shared(bytes) => StringRef::Bytes(bytes),
            });
            true
        });
    })
}

pub(super) fn with_new<R>(
    value: ListValue,
    options: &DataOptions,
    store: impl FnOnce(NewValue<'_>) -> R,
) -> Result<R, Unstorable> {
    let mut builder = ListBuilder::new(&options.list_limits());
    for node in value.nodes {
        match node {
            ListNodeValue::Packed(listpack) if value.has_nodes => builder.push_listpack(listpack),
            ListNodeValue::Packed(listpack) => {
                for element in &listpack {
                    builder.push_element(element.to_text(&mut itoa::Buffer::new()));
                }
            }
            ListNodeValue::Plain(bytes) if value.has_nodes => builder.push_plain(bytes.into()),
            ListNodeValue::Plain(bytes) => builder.push_element(&bytes),
        }
    }
    let list = builder.finish();
    if list.is_empty() { Err(Unstorable::Empty) } else { Ok(store(NewValue::List(list))) }
}

pub(super) fn rewrite<E>(
    key: &[u8],
    value: &List,
    out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let mut pending: Vec<OwnedElement> = Vec::new();
    let mut result = Ok(());
    value.visit(0, false, |element| {
        pending.push(element.to_owned());
        if pending.len() == REWRITE_ELEMENTS_MAX {
            result = push_command(key, &pending, out);
            pending.clear();
        }
        result.is_ok()
    });
    result?;
    if pending.is_empty() { Ok(()) } else { push_command(key, &pending, out) }
}

fn push_command<E>(
    key: &[u8],
    elements: &[OwnedElement],
    out: &mut impl FnMut(&[&[u8]]) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffers = vec![itoa::Buffer::new(); elements.len()];
    let mut args: Vec<&[u8]> = vec![b"RPUSH", key];
    args.extend(
        elements.iter().zip(&mut buffers).map(|(element, buffer)| element.as_element().to_text(buffer)),
    );
    out(&args)
}

pub(super) fn digest(digest: &mut DataDigest, value: &List) {
    digest.mix_ordered(&DIGEST_TYPE.to_be_bytes());
    value.visit(0, false, |element| {
        digest.mix_ordered(element.to_text(&mut itoa::Buffer::new()));
        true
    });
}
