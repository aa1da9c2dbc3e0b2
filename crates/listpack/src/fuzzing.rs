//! Entry points for fuzzers: each takes arbitrary bytes and panics when a promise of this crate is broken.

use crate::listpack::Listpack;

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
