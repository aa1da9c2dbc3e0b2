//! Differences that are meant, each with its reason. What is not here is a fault.

use lastsave_resp::Reply;

/// Why the two replies differ rightly; `None` if they do not.
pub(crate) fn expected_difference(words: &[Vec<u8>], ours: &Reply, theirs: &Reply) -> Option<&'static str> {
    let is = |name: &[u8]| words.first().is_some_and(|word| word.eq_ignore_ascii_case(name));
    let bulk = |reply: &Reply, text: &[u8]| matches!(reply, Reply::Bulk(bytes) if bytes == text);
    if is(b"object") && bulk(ours, b"listpack") && bulk(theirs, b"hashtable") {
        return Some("small sets are listpacks from 7.2 on");
    }
    if is(b"object") && bulk(ours, b"listpack") && bulk(theirs, b"quicklist") {
        return Some("small lists are listpacks from 7.2 on");
    }
    None
}
