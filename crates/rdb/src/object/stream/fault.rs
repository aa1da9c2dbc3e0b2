//! What can be wrong with a stream.

use lastsave_listpack::ListpackError;

use super::EntryId;

/// What is wrong with a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamFault {
    /// The key of a node is no id.
    #[error("a node's key of 16 bytes expected, got {got}")]
    NodeKey {
        /// Its size.
        got: u64,
    },
    /// A node is not what it should be.
    #[error("node {node}: {fault}")]
    Node {
        /// The node.
        node: EntryId,
        /// What is wrong with it.
        fault: NodeFault,
    },
    /// A node does not come behind the entries of the node before.
    #[error("a node above {previous} expected, got {got}")]
    NodeOrder {
        /// The greatest id in the node before.
        previous: EntryId,
        /// The node.
        got: EntryId,
    },
    /// The nodes do not have as many entries as declared.
    #[error("{expected} entries declared, got {got}")]
    Length {
        /// The declared number.
        expected: u64,
        /// Entries in all nodes.
        got: u64,
    },
    /// The last id is below that of an entry.
    #[error("a last id of at least {expected} expected, got {got}")]
    LastId {
        /// The greatest id of an entry.
        expected: EntryId,
        /// The declared last id.
        got: EntryId,
    },
    /// Two groups have the same name.
    #[error("two groups with the name \"{}\"", name.escape_ascii())]
    DuplicateGroup {
        /// The name.
        name: Vec<u8>,
    },
    /// An entry is pending twice in a group.
    #[error("entry {id} is pending twice")]
    DuplicatePending {
        /// The entry.
        id: EntryId,
    },
    /// Two consumers of a group have the same name.
    #[error("two consumers with the name \"{}\"", name.escape_ascii())]
    DuplicateConsumer {
        /// The name.
        name: Vec<u8>,
    },
    /// A consumer has an entry that is not pending in its group.
    #[error("entry {id} of a consumer is not pending in its group")]
    UnknownPending {
        /// The entry.
        id: EntryId,
    },
    /// Two consumers, or one twice, have the same pending entry.
    #[error("entry {id} belongs to two consumers")]
    SharedPending {
        /// The entry.
        id: EntryId,
    },
    /// No consumer has a pending entry.
    #[error("entry {id} is pending, but belongs to no consumer")]
    PendingWithoutConsumer {
        /// The entry.
        id: EntryId,
    },
}

impl StreamFault {
    /// The words of Redis.
    pub(crate) fn redis_text(&self) -> String {
        match self {
            Self::NodeKey { .. } => "Stream node key entry is not the size of a stream ID".into(),
            Self::Node { fault: NodeFault::Empty, .. } => "Empty listpack inside stream".into(),
            Self::Node { .. } => "Stream listpack integrity check failed.".into(),
            Self::NodeOrder { .. } => "Listpack re-added with existing key".into(),
            Self::Length { .. } | Self::LastId { .. } => "Stream length inconsistent with rax entries".into(),
            Self::DuplicateGroup { name } => {
                format!("Duplicated consumer group name {}", String::from_utf8_lossy(name))
            }
            Self::DuplicatePending { .. } => {
                "Duplicated global PEL entry loading stream consumer group".into()
            }
            Self::DuplicateConsumer { .. } => "Duplicate stream consumer detected.".into(),
            Self::UnknownPending { .. } => "Consumer entry not found in group global PEL".into(),
            Self::SharedPending { .. } => {
                "Duplicated consumer PEL entry  loading a stream consumer group".into()
            }
            Self::PendingWithoutConsumer { .. } => "Stream CG PEL entry without consumer".into(),
        }
    }
}

/// What is wrong with a node of a stream. Elements are counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NodeFault {
    /// It is no listpack.
    #[error("{0}")]
    Listpack(#[from] ListpackError),
    /// It has no elements.
    #[error("no entries")]
    Empty,
    /// It ends inside an entry.
    #[error("{what} expected at element {element}, got the end")]
    Ends {
        /// What should follow.
        what: &'static str,
        /// The missing element.
        element: u64,
    },
    /// An element that should be a number is none.
    #[error("{what} expected at element {element}, got something that is no number")]
    NotANumber {
        /// What the number should be.
        what: &'static str,
        /// The element.
        element: u64,
    },
    /// A number cannot be what it says.
    #[error("{what} at element {element}: {expected} expected, got {got}")]
    WrongNumber {
        /// What the number is.
        what: &'static str,
        /// The element.
        element: u64,
        /// What it should be.
        expected: u64,
        /// What it is.
        got: i64,
    },
    /// A number is out of its range.
    #[error("{what} at element {element} is {got}")]
    OutOfRange {
        /// What the number is.
        what: &'static str,
        /// The element.
        element: u64,
        /// What it is.
        got: i64,
    },
    /// The id of an entry is not above that of the one before, or below that of the node.
    #[error("an id above {previous} expected at element {element}, got {got}")]
    IdOrder {
        /// The id before.
        previous: EntryId,
        /// The element at which the entry begins.
        element: u64,
        /// The entry's id.
        got: EntryId,
    },
    /// Elements follow the last entry.
    #[error("{elements} elements behind the last entry")]
    Behind {
        /// Their number.
        elements: u64,
    },
}
