//! Errors that name keys and groups.

use lastsave_resp::ReplyBuffer;

use crate::reply::Replied;
use crate::table::printable;

/// There is no such key, or no such group in it.
#[cold]
pub(super) fn no_key_or_group(reply: &mut ReplyBuffer, key: &[u8], group: &[u8], suffix: &str) -> Replied {
    let (key, group) = (printable(key, usize::MAX), printable(group, usize::MAX));
    let text =
        [b"NOGROUP No such key '", key, b"' or consumer group '", group, b"'", suffix.as_bytes()].concat();
    reply.error_bytes(&text);
    Replied
}

/// There is no such group in a stream.
#[cold]
pub(super) fn no_group(reply: &mut ReplyBuffer, key: &[u8], group: &[u8]) -> Replied {
    let (key, group) = (printable(key, usize::MAX), printable(group, usize::MAX));
    let text = [b"NOGROUP No such consumer group '", group, b"' for key name '", key, b"'"].concat();
    reply.error_bytes(&text);
    Replied
}
