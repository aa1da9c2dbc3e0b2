//! Entry points for fuzzers: each takes arbitrary bytes and panics when a promise of this crate is broken.

use crate::{Intset, Listpack, Ziplist, Zipmap};

/// Reads `bytes` as a listpack; one that is accepted is read and edited in every way, and must stay good.
pub fn listpack(bytes: &[u8]) {
    let Ok(mut pack) = Listpack::from_bytes(bytes) else { return };
    assert_eq!(pack.as_bytes(), bytes);
    let texts: Vec<_> = pack.iter().map(|value| value.to_vec()).collect();
    assert_eq!(pack.len(), texts.len());
    assert!(pack.iter().rev().map(|value| value.to_vec()).eq(texts.iter().rev().cloned()));
    for (index, (position, value)) in pack.entries().enumerate() {
        assert_eq!(pack.seek(index as i64), Some(position));
        assert_eq!(pack.seek(index as i64 - texts.len() as i64), Some(position));
        assert_eq!(value.len(), texts[index].len());
        let found = pack.find(&texts[index], 0).expect("what is there is found");
        assert!(found <= position && pack.get(found).eq_bytes(&texts[index]));
    }
    let rebuilt: Listpack = texts.iter().map(Vec::as_slice).collect();
    assert!(rebuilt.iter().eq(pack.iter()));
    // Edits must cope with encodings that we would not choose.
    let middle = texts.len() / 2;
    if let Some(position) = pack.seek(middle as i64) {
        pack.replace(position, b"replaced");
        pack.insert_before(position, b"12345");
        pack.remove(position);
    }
    let tail = pack.split_off(middle);
    pack.merge_front(tail.view());
    assert_eq!(pack.len(), texts.len());
    assert!(Listpack::from_bytes(pack.into_bytes()).is_ok());
}

/// Reads `bytes` as an intset; one that is accepted keeps what it promises.
pub fn intset(bytes: &[u8]) {
    let Ok(mut set) = Intset::from_bytes(bytes) else { return };
    assert_eq!(set.as_bytes(), bytes);
    let members: Vec<_> = set.iter().collect();
    assert!(members.is_sorted_by(|left, right| left < right));
    assert!(set.iter().rev().eq(members.iter().rev().copied()));
    assert_eq!((set.min(), set.max()), (members.first().copied(), members.last().copied()));
    for (index, member) in members.iter().enumerate() {
        assert_eq!((set.rank(*member), set.get(index)), (Ok(index), Some(*member)));
    }
    assert_eq!(set.get(members.len()), None);
    let added = [i64::MIN, -70_000, 7, 70_000, i64::MAX].map(|member| (member, set.insert(member)));
    assert!(added.iter().all(|(member, _)| set.contains(*member)));
    for (member, new) in added {
        assert!(!new || set.remove(member));
    }
    assert!(set.iter().eq(members));
    assert_eq!(Intset::from_bytes(set.as_bytes()), Ok(set));
}

/// Reads `bytes` as a ziplist; one that is accepted becomes a listpack of the same values.
pub fn ziplist(bytes: &[u8]) {
    let Ok(list) = Ziplist::from_bytes(bytes) else { return };
    let pack = list.to_listpack();
    assert_eq!(pack.len(), list.len());
    assert!(list.iter().eq(pack.iter()));
    listpack(pack.as_bytes());
}

/// Reads `bytes` as a zipmap; one that is accepted becomes a listpack of the same values.
pub fn zipmap(bytes: &[u8]) {
    let Ok(map) = Zipmap::from_bytes(bytes) else { return };
    let pack = map.to_listpack();
    assert_eq!(pack.len(), 2 * map.len());
    assert!(map.iter().eq(pack.pairs()));
    listpack(pack.as_bytes());
}
