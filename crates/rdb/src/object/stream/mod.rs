//! Streams: three encodings are read and written.

mod fault;
mod node;
mod read;
mod write;

pub use fault::{NodeFault, StreamFault};
use lastsave_listpack::Listpack;
pub(crate) use read::read;
pub use write::StreamWriter;

/// The id of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId {
    /// Unix time in milliseconds, as a rule.
    pub ms: u64,
    /// Sequence number.
    pub seq: u64,
}

impl EntryId {
    /// The id in the form in which it is the key of a node.
    fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.ms) << 64) | u128::from(self.seq)).to_be_bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        let number = u128::from_be_bytes(bytes);
        Self { ms: (number >> 64) as u64, seq: number as u64 }
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.ms, self.seq)
    }
}

/// A stream as read. Everything in it was checked: the structure of the nodes and the order of all ids, also from node to
/// node; that the last id is not below that of any entry; that names of groups, names of the consumers of a group and ids
/// of pending entries are different from each other; and that each pending entry has its consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamValue {
    /// The nodes in order, each with the id that ids inside it are relative to.
    pub nodes: Vec<(EntryId, Listpack)>,
    /// What is known about the stream besides its entries.
    pub summary: StreamSummary,
    /// The consumer groups.
    pub groups: Vec<StreamGroup>,
}

/// What is known about a stream besides its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamSummary {
    /// Number of entries.
    pub length: u64,
    /// The greatest id given so far.
    pub last_id: EntryId,
    /// The id of the first entry; 0-0 without entries.
    pub first_id: EntryId,
    /// The greatest id of a deleted entry.
    pub max_deleted_id: EntryId,
    /// Number of entries ever added.
    pub entries_added: u64,
}

/// A consumer group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamGroup {
    /// Its name.
    pub name: Vec<u8>,
    /// The id of the entry delivered last.
    pub last_id: EntryId,
    /// How many entries it has read.
    pub entries_read: EntriesRead,
    /// What was delivered and not acknowledged, ordered by id.
    pub pending: Vec<StreamPending>,
    /// The consumers.
    pub consumers: Vec<StreamConsumer>,
}

/// How many entries a group has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntriesRead {
    /// The encoding does not tell; it is to be estimated.
    Untold,
    /// The server that wrote the file did not know.
    Unknown,
    /// This many.
    Known(u64),
}

/// An entry that was delivered and not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamPending {
    /// The entry's id.
    pub id: EntryId,
    /// When it was delivered last, unix time in milliseconds.
    pub delivered_ms: i64,
    /// How often it was delivered.
    pub deliveries: u64,
    /// Who has it: an index of the group's consumers.
    pub consumer: usize,
}

/// A consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamConsumer {
    /// Its name.
    pub name: Vec<u8>,
    /// When it asked for entries last, unix time in milliseconds.
    pub seen_ms: i64,
    /// When it got entries last; nothing if it never did.
    pub active_ms: Option<i64>,
}

impl StreamValue {
    /// About how many bytes of memory it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        let nodes: usize = self.nodes.iter().map(|(_, listpack)| listpack.byte_len() + 32).sum();
        let group = |group: &StreamGroup| {
            let names: usize = group.consumers.iter().map(|consumer| consumer.name.len() + 64).sum();
            names + group.name.len() + group.pending.len() * size_of::<StreamPending>()
        };
        nodes + self.groups.iter().map(group).sum::<usize>()
    }
}

#[cfg(test)]
mod tests;
