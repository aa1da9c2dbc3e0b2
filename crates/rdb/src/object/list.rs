//! Lists: four encodings are read, two are written.

use std::io::Read;

use lastsave_listpack::{Listpack, ListpackBuilder, ListpackError, Ziplist};

use super::ValueWriter;
use crate::{
    error::ErrorKind,
    length::Head,
    opcode::{TYPE_LIST, TYPE_LIST_QUICKLIST, TYPE_LIST_QUICKLIST_2, TYPE_LIST_ZIPLIST},
    sink::Put,
    source::Source,
    value::StringRef,
    writer::WriteError,
};

/// A node that is one element.
const CONTAINER_PLAIN: u64 = 1;
/// A node that is a listpack.
const CONTAINER_PACKED: u64 = 2;
/// Elements that come one by one are collected in listpacks of about this size.
const COLLECTED_BYTES: usize = 8192;

/// A list as read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListValue {
    /// The elements, in order.
    pub nodes: Vec<ListNodeValue>,
    /// The file has nodes, and these are they. Otherwise it has elements, and nodes mean nothing.
    pub has_nodes: bool,
}

/// Some elements of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListNodeValue {
    /// Elements in a listpack; there is at least one.
    Packed(Listpack),
    /// One element.
    Plain(Vec<u8>),
}

/// A node of a list to be written.
#[derive(Debug, Clone, Copy)]
pub enum ListNodeRef<'a> {
    /// The bytes of a listpack.
    Packed(&'a [u8]),
    /// A listpack of `bytes` bytes, compressed.
    Compressed {
        /// The compressed bytes.
        lzf: &'a [u8],
        /// Bytes of the listpack.
        bytes: usize,
    },
    /// One element.
    Plain(&'a [u8]),
}

/// What is wrong with a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListFault {
    /// Packed bytes are no listpack or ziplist.
    #[error("{0}")]
    Packing(#[from] ListpackError),
    /// A node is neither packed nor plain.
    #[error("unknown node container {got}")]
    UnknownContainer {
        /// What it says to be.
        got: u64,
    },
    /// A node has no bytes.
    #[error("a node without bytes")]
    EmptyNode,
}

impl ListFault {
    /// The words of Redis.
    pub(crate) fn redis_text(self) -> &'static str {
        match self {
            Self::Packing(error) => match error.packing {
                lastsave_listpack::Packing::Ziplist => "Ziplist integrity check failed.",
                _ => "Listpack integrity check failed.",
            },
            Self::UnknownContainer { .. } => "Quicklist integrity check failed.",
            Self::EmptyNode => "Unexpected EOF reading RDB file",
        }
    }
}

impl ListValue {
    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// About how many bytes of memory it holds.
    pub(crate) fn held_bytes(&self) -> usize {
        let nodes = self.nodes.iter().map(|node| match node {
            ListNodeValue::Packed(listpack) => listpack.byte_len(),
            ListNodeValue::Plain(bytes) => bytes.len(),
        });
        nodes.sum::<usize>() + self.nodes.capacity() * size_of::<ListNodeValue>()
    }

    fn push_packed(&mut self, listpack: Listpack) {
        if !listpack.is_empty() {
            self.nodes.push(ListNodeValue::Packed(listpack));
        }
    }
}

/// Reads the list of type `type_byte`, which is one of the four.
pub(crate) fn read<R: Read>(type_byte: u8, source: &mut Source<R>) -> Result<ListValue, ErrorKind> {
    let mut list = ListValue { nodes: Vec::new(), has_nodes: type_byte != TYPE_LIST };
    if type_byte == TYPE_LIST_ZIPLIST {
        list.push_packed(read_ziplist(source)?);
        return Ok(list);
    }
    let count = source.length()?;
    if type_byte == TYPE_LIST {
        read_elements(count, source, &mut list)?;
        return Ok(list);
    }
    // The count is only believed as far as nodes follow.
    for _ in 0..count {
        let container = match type_byte {
            TYPE_LIST_QUICKLIST_2 => source.length()?,
            _ => CONTAINER_PACKED,
        };
        match container {
            CONTAINER_PACKED if type_byte == TYPE_LIST_QUICKLIST => list.push_packed(read_ziplist(source)?),
            CONTAINER_PACKED => {
                let bytes = node_bytes(source)?;
                list.push_packed(Listpack::from_bytes(bytes).map_err(ListFault::from)?);
            }
            CONTAINER_PLAIN => list.nodes.push(ListNodeValue::Plain(node_bytes(source)?)),
            got => return Err(ListFault::UnknownContainer { got }.into()),
        }
    }
    Ok(list)
}

fn node_bytes<R: Read>(source: &mut Source<R>) -> Result<Vec<u8>, ErrorKind> {
    let bytes = source.string()?.into_bytes();
    if bytes.is_empty() { Err(ListFault::EmptyNode.into()) } else { Ok(bytes) }
}

fn read_ziplist<R: Read>(source: &mut Source<R>) -> Result<Listpack, ErrorKind> {
    let bytes = node_bytes(source)?;
    let ziplist = Ziplist::from_bytes(&bytes).map_err(ListFault::from)?;
    Ok(ziplist.to_listpack())
}

fn read_elements<R: Read>(count: u64, source: &mut Source<R>, list: &mut ListValue) -> Result<(), ErrorKind> {
    let mut collected = ListpackBuilder::default();
    for _ in 0..count {
        let element = source.string()?.into_bytes();
        if collected.byte_len() + element.len() > COLLECTED_BYTES {
            list.push_packed(std::mem::take(&mut collected).finish());
        }
        if element.len() > COLLECTED_BYTES {
            list.nodes.push(ListNodeValue::Plain(element));
        } else {
            collected.push(&element);
        }
    }
    list.push_packed(collected.finish());
    Ok(())
}

impl<P: Put> ValueWriter<'_, P> {
    /// Whether the version has lists of nodes that are listpacks; if not, [`Self::list_of_elements`] writes a list.
    #[must_use]
    pub fn has_list_nodes(&self) -> bool {
        self.version >= crate::version::RdbVersion::V10
    }

    /// A list of `count` nodes.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn list<'n>(
        mut self,
        count: usize,
        nodes: impl Iterator<Item = ListNodeRef<'n>>,
    ) -> Result<(), WriteError> {
        assert!(self.has_list_nodes(), "the version has no listpacks");
        self.start(TYPE_LIST_QUICKLIST_2)?;
        self.put_length(count as u64)?;
        let mut written = 0;
        for node in nodes {
            written += 1;
            match node {
                ListNodeRef::Packed(bytes) => {
                    self.put_length(CONTAINER_PACKED)?;
                    self.put_string(StringRef::Bytes(bytes))?;
                }
                ListNodeRef::Compressed { lzf, bytes } => {
                    self.put_length(CONTAINER_PACKED)?;
                    let mut head = Head::new();
                    head.push(&[0xc3]);
                    head.push_length(lzf.len() as u64);
                    head.push_length(bytes as u64);
                    self.sink.put(head.as_bytes())?;
                    self.sink.put(lzf)?;
                }
                ListNodeRef::Plain(bytes) => {
                    self.put_length(CONTAINER_PLAIN)?;
                    self.put_string(StringRef::Bytes(bytes))?;
                }
            }
        }
        assert_eq!(written, count, "the list has as many nodes as were announced");
        Ok(())
    }

    /// A list of `len` elements, which `each` gives to its argument, in the form that every version has.
    ///
    /// # Errors
    /// [`WriteError::Io`].
    pub fn list_of_elements(
        mut self,
        len: usize,
        each: impl FnOnce(&mut dyn FnMut(StringRef<'_>)),
    ) -> Result<(), WriteError> {
        self.start(TYPE_LIST)?;
        self.put_length(len as u64)?;
        let (mut written, mut result) = (0, Ok(()));
        each(&mut |element| {
            written += 1;
            if result.is_ok() {
                result = self.put_string(element);
            }
        });
        assert_eq!(written, len, "the list has as many elements as were announced");
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(type_byte: u8, bytes: &[u8]) -> Result<ListValue, ErrorKind> {
        read(type_byte, &mut Source::new(bytes, 64, Some(bytes.len() as u64), false))
    }

    fn packed(texts: &[&[u8]]) -> ListNodeValue {
        ListNodeValue::Packed(texts.iter().copied().collect())
    }

    #[test]
    fn lists_of_every_type_are_read() {
        let listpack = b"\x10\x10\0\0\0\x03\0\x81a\x02\x81b\x02\xdf\xff\x02\xff";
        let nodes = [&b"\x03\x02"[..], listpack, b"\x01\x05plain\x02\x07\x07\0\0\0\0\0\xff"].concat();
        let list = read_all(TYPE_LIST_QUICKLIST_2, &nodes).unwrap();
        assert_eq!(list.nodes, [packed(&[b"a", b"b", b"-1"]), ListNodeValue::Plain(b"plain".to_vec())]);
        assert!(list.has_nodes);
        // Header (bytes, tail, count), "a" and "b", terminator.
        let ziplist = b"\x11\x11\0\0\0\x0d\0\0\0\x02\0\0\x01a\x03\x01b\xff";
        assert_eq!(read_all(TYPE_LIST_ZIPLIST, ziplist).unwrap().nodes, [packed(&[b"a", b"b"])]);
        let twice = [&b"\x02"[..], ziplist, ziplist].concat();
        assert_eq!(read_all(TYPE_LIST_QUICKLIST, &twice).unwrap().nodes.len(), 2);
        let list = read_all(TYPE_LIST, b"\x03\x01a\xc0\x07\x01b").unwrap();
        assert_eq!((list.nodes, list.has_nodes), (vec![packed(&[b"a", b"7", b"b"])], false));
        assert!(read_all(TYPE_LIST, b"\x00").unwrap().is_empty());
    }

    #[test]
    fn bad_nodes_are_refused() {
        let fault = |type_byte, bytes: &[u8]| match read_all(type_byte, bytes) {
            Err(ErrorKind::InvalidList(fault)) => fault,
            other => panic!("{other:?}"),
        };
        let unknown = fault(TYPE_LIST_QUICKLIST_2, b"\x01\x03\x01a");
        assert_eq!(unknown, ListFault::UnknownContainer { got: 3 });
        assert_eq!(fault(TYPE_LIST_QUICKLIST_2, b"\x01\x02\x00"), ListFault::EmptyNode);
        assert!(matches!(fault(TYPE_LIST_QUICKLIST_2, b"\x01\x02\x01a"), ListFault::Packing(_)));
        assert!(matches!(fault(TYPE_LIST_ZIPLIST, b"\x01a"), ListFault::Packing(_)));
        assert!(matches!(read_all(TYPE_LIST, b"\xbf"), Err(ErrorKind::UnknownLengthEncoding { .. })));
        let many = b"\x81\x00\x00\x00\x00\xff\xff\xff\xff";
        assert!(matches!(read_all(TYPE_LIST, many), Err(ErrorKind::UnexpectedEnd { .. })));
        assert!(matches!(read_all(TYPE_LIST_QUICKLIST_2, many), Err(ErrorKind::UnexpectedEnd { .. })));
    }
}
