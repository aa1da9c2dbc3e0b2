//! Reading a stream, with every check that later use relies on.

use std::collections::HashSet;
use std::io::Read;

use lastsave_listpack::Listpack;

use super::node;
use super::{
    EntriesRead, EntryId, StreamConsumer, StreamFault, StreamGroup, StreamPending, StreamSummary, StreamValue,
};
use crate::{
    error::ErrorKind,
    opcode::{TYPE_STREAM, TYPE_STREAM_3},
    source::Source,
};

/// In place of [`StreamPending::consumer`]: no consumer has claimed the entry so far.
const NO_CONSUMER: usize = usize::MAX;

/// Reads the stream of type `type_byte`, which is one of the three.
pub(crate) fn read<R: Read>(type_byte: u8, source: &mut Source<R>) -> Result<StreamValue, ErrorKind> {
    let nodes = read_nodes(source)?;
    let length = source.any_length()?;
    let last_id = read_id(source)?;
    let summary = if type_byte == TYPE_STREAM {
        StreamSummary {
            length,
            last_id,
            first_id: nodes.first_id.unwrap_or_default(),
            max_deleted_id: EntryId::default(),
            entries_added: length,
        }
    } else {
        StreamSummary {
            length,
            last_id,
            first_id: read_id(source)?,
            max_deleted_id: read_id(source)?,
            entries_added: source.any_length()?,
        }
    };
    if length != nodes.live {
        return Err(StreamFault::Length { expected: length, got: nodes.live }.into());
    }
    if let Some(expected) = nodes.last_id.filter(|id| *id > last_id) {
        return Err(StreamFault::LastId { expected, got: last_id }.into());
    }
    let mut groups = Vec::new();
    let mut names = HashSet::new();
    for _ in 0..source.length()? {
        let group = read_group(type_byte, source)?;
        if !names.insert(group.name.clone()) {
            return Err(StreamFault::DuplicateGroup { name: group.name }.into());
        }
        groups.push(group);
    }
    Ok(StreamValue { nodes: nodes.nodes, summary, groups })
}

struct Nodes {
    nodes: Vec<(EntryId, Listpack)>,
    live: u64,
    first_id: Option<EntryId>,
    last_id: Option<EntryId>,
}

fn read_nodes<R: Read>(source: &mut Source<R>) -> Result<Nodes, ErrorKind> {
    let mut nodes = Nodes { nodes: Vec::new(), live: 0, first_id: None, last_id: None };
    for _ in 0..source.length()? {
        let key = source.string()?.into_bytes();
        let id = <[u8; 16]>::try_from(&key[..])
            .map(EntryId::from_bytes)
            .map_err(|_| StreamFault::NodeKey { got: key.len() as u64 })?;
        let bytes = source.string()?.into_bytes();
        let of_node = |fault| StreamFault::Node { node: id, fault };
        let listpack = Listpack::from_bytes(bytes).map_err(|error| of_node(error.into()))?;
        let content = node::check(id, listpack.view()).map_err(of_node)?;
        if let Some(previous) = nodes.last_id.filter(|previous| id <= *previous) {
            return Err(StreamFault::NodeOrder { previous, got: id }.into());
        }
        nodes.live += content.live;
        nodes.first_id = nodes.first_id.or(content.first_live_id);
        nodes.last_id = Some(content.last_id);
        nodes.nodes.push((id, listpack));
    }
    Ok(nodes)
}

fn read_id<R: Read>(source: &mut Source<R>) -> Result<EntryId, ErrorKind> {
    Ok(EntryId { ms: source.any_length()?, seq: source.any_length()? })
}

fn read_group<R: Read>(type_byte: u8, source: &mut Source<R>) -> Result<StreamGroup, ErrorKind> {
    let name = source.string()?.into_bytes();
    let last_id = read_id(source)?;
    let entries_read = match type_byte {
        TYPE_STREAM => EntriesRead::Untold,
        _ => match source.any_length()? {
            u64::MAX => EntriesRead::Unknown,
            number => EntriesRead::Known(number),
        },
    };
    let mut pending = read_pending(source)?;
    let mut consumers = Vec::new();
    let mut names = HashSet::new();
    for consumer in 0..source.length()? {
        let name = source.string()?.into_bytes();
        if !names.insert(name.clone()) {
            return Err(StreamFault::DuplicateConsumer { name }.into());
        }
        let seen_ms = i64::from_le_bytes(source.array()?);
        let active_ms = match type_byte {
            TYPE_STREAM_3 => i64::from_le_bytes(source.array()?),
            // The best that is known.
            _ => seen_ms,
        };
        // Of a consumer that was never active.
        let active_ms = Some(active_ms).filter(|ms| *ms != -1);
        for _ in 0..source.length()? {
            let id = EntryId::from_bytes(source.array()?);
            let at = pending.binary_search_by_key(&id, |pending| pending.id);
            let at = at.map_err(|_| StreamFault::UnknownPending { id })?;
            if pending[at].consumer != NO_CONSUMER {
                return Err(StreamFault::SharedPending { id }.into());
            }
            pending[at].consumer = consumer as usize;
        }
        consumers.push(StreamConsumer { name, seen_ms, active_ms });
    }
    if let Some(orphan) = pending.iter().find(|pending| pending.consumer == NO_CONSUMER) {
        return Err(StreamFault::PendingWithoutConsumer { id: orphan.id }.into());
    }
    Ok(StreamGroup { name, last_id, entries_read, pending, consumers })
}

/// The pending entries of a group, ordered by id, without their consumers.
fn read_pending<R: Read>(source: &mut Source<R>) -> Result<Vec<StreamPending>, ErrorKind> {
    let mut pending: Vec<StreamPending> = Vec::new();
    let mut is_ordered = true;
    for _ in 0..source.length()? {
        let id = EntryId::from_bytes(source.array()?);
        let delivered_ms = i64::from_le_bytes(source.array()?);
        let deliveries = source.any_length()?;
        is_ordered &= pending.last().is_none_or(|last| last.id < id);
        pending.push(StreamPending { id, delivered_ms, deliveries, consumer: NO_CONSUMER });
    }
    if !is_ordered {
        pending.sort_by_key(|pending| pending.id);
        if let Some(pair) = pending.windows(2).find(|pair| pair[0].id == pair[1].id) {
            return Err(StreamFault::DuplicatePending { id: pair[0].id }.into());
        }
    }
    Ok(pending)
}
