//! When two replies are the same.

use lastsave_resp::Reply;

/// How replies of a command are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Byte for byte.
    Exact,
    /// Arrays, maps and sets whose order means nothing.
    Unordered,
    /// Flat arrays of field and value whose pairs have no order.
    UnorderedPairs,
    /// Numbers that follow the clock may differ this much.
    Times,
    /// Both null, both errors, or both something else.
    Presence,
}

/// How the replies to a command are compared.
pub(crate) fn comparison(words: &[Vec<u8>]) -> Comparison {
    let word = |at: usize| words.get(at).map(|word| word.to_ascii_lowercase()).unwrap_or_default();
    let has = |name: &[u8]| words.iter().any(|word| word.eq_ignore_ascii_case(name));
    // More than there are: everything is picked.
    let picks_all = word(2).len() == 4 && word(2)[0] != b'-';
    match word(0).as_slice() {
        // Cursors of unfinished scans mean nothing to the other server.
        name if name.ends_with(b"scan") && !(has(b"100000") && has(b"0")) => Comparison::Presence,
        b"srandmember" | b"hrandfield" | b"zrandmember" if !picks_all => Comparison::Presence,
        b"hrandfield" | b"zrandmember" if words.len() > 3 => Comparison::UnorderedPairs,
        b"hgetall" | b"hscan" | b"zscan" => Comparison::UnorderedPairs,
        b"smembers" | b"sunion" | b"sinter" | b"sdiff" | b"hkeys" | b"hvals" | b"keys" | b"scan"
        | b"sscan" | b"srandmember" | b"hrandfield" | b"zrandmember" => Comparison::Unordered,
        b"sort" | b"sort_ro" if has(b"by") => Comparison::Unordered,
        b"ttl" | b"pttl" | b"expiretime" | b"pexpiretime" | b"xpending" | b"xinfo" => Comparison::Times,
        b"object" if matches!(word(1).as_slice(), b"idletime" | b"refcount") => Comparison::Presence,
        b"memory" => Comparison::Presence,
        _ => Comparison::Exact,
    }
}

/// Whether two replies, given as the bytes that came and what they stand for, are the same.
pub(crate) fn agree(comparison: Comparison, ours: &Reply, theirs: &Reply) -> bool {
    match comparison {
        _ if ours == theirs => true,
        Comparison::Exact => false,
        Comparison::Unordered => sorted(ours, 1) == sorted(theirs, 1),
        Comparison::UnorderedPairs => sorted(ours, 2) == sorted(theirs, 2),
        Comparison::Times => times_agree(ours, theirs),
        Comparison::Presence => {
            let kind = |reply: &Reply| (*reply == Reply::Null, matches!(reply, Reply::Error(_)));
            kind(ours) == kind(theirs)
        }
    }
}

/// The reply with its arrays, taken `group` items at a time, in one order.
fn sorted(reply: &Reply, group: usize) -> Reply {
    match reply {
        // A cursor with what it found.
        Reply::Array(items)
            if items.len() == 2 && matches!((&items[0], &items[1]), (Reply::Bulk(_), Reply::Array(_))) =>
        {
            Reply::Array(vec![items[0].clone(), sorted(&items[1], group)])
        }
        Reply::Array(items) | Reply::Set(items) => {
            let is_flat = items.iter().all(|item| !matches!(item, Reply::Array(_)));
            let mut groups: Vec<&[Reply]> = items.chunks(if is_flat { group } else { 1 }).collect();
            groups.sort_by_key(|group| format!("{group:?}"));
            Reply::Array(groups.concat())
        }
        Reply::Map(pairs) => {
            let mut pairs = pairs.clone();
            pairs.sort_by_key(|pair| format!("{pair:?}"));
            Reply::Map(pairs)
        }
        other => other.clone(),
    }
}

fn times_agree(ours: &Reply, theirs: &Reply) -> bool {
    const MILLISECONDS: i64 = 20_000;
    match (ours, theirs) {
        (Reply::Integer(ours), Reply::Integer(theirs)) => {
            ours == theirs || (ours.min(theirs) >= &0 && (ours - theirs).abs() <= MILLISECONDS)
        }
        (Reply::Array(ours), Reply::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(ours, theirs)| times_agree(ours, theirs))
        }
        (Reply::Map(ours), Reply::Map(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(ours, theirs)| ours.0 == theirs.0 && times_agree(&ours.1, &theirs.1))
        }
        _ => ours == theirs,
    }
}
