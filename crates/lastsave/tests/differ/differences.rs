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
    let fails_with =
        |reply: &Reply, start: &[u8]| matches!(reply, Reply::Error(text) if text.starts_with(start));
    if fails_with(ours, b"ERR Unbalanced") && fails_with(theirs, b"ERR Unbalanced") {
        return Some("the error names the command from 7.2 on");
    }
    let begins =
        |start: &[u8]| words.first().is_some_and(|word| word.to_ascii_lowercase().starts_with(start));
    if (begins(b"z") || begins(b"bz") || begins(b"geo")) && same_numbers(ours, theirs) {
        return Some("scores have no more digits than they need from 7.2 on");
    }
    None
}

/// Whether the replies are the same but for the digits of numbers.
pub(crate) fn same_numbers(ours: &Reply, theirs: &Reply) -> bool {
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<f64>().ok();
    match (ours, theirs) {
        (Reply::Array(ours), Reply::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(ours, theirs)| same_numbers(ours, theirs))
        }
        (Reply::Bulk(ours), Reply::Bulk(theirs)) if ours != theirs => {
            number(ours).is_some() && number(ours) == number(theirs)
        }
        _ => ours == theirs,
    }
}
