//! Listpacks against a plain vector of strings.

use proptest::prelude::*;

use super::*;
use crate::parse_integer;

/// Strings on and beside every border between encodings.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(any::<u8>(), 0..8),
        2 => (0..6_usize, -2_i64..3, any::<bool>()).prop_map(|(border, distance, negative)| {
            let border = [0, 1 << 7, 1 << 12, 1 << 15, 1 << 23, 1 << 31][border] + distance;
            (if negative { -border } else { border }).to_string().into_bytes()
        }),
        1 => any::<i64>().prop_map(|integer| integer.to_string().into_bytes()),
        1 => (0..5_usize, 0..5_usize)
            .prop_map(|(border, above)| vec![b'x'; [62, 124, 4094, 16_376, 70_000][border] + above]),
    ]
}

#[derive(Debug, Clone)]
enum Edit {
    PushFront(Vec<u8>),
    PushBack(Vec<u8>),
    PushInteger(i64, bool),
    InsertBefore(usize, Vec<u8>),
    InsertAfter(usize, Vec<u8>),
    InsertMany(usize, Vec<Vec<u8>>),
    Replace(usize, Vec<u8>),
    ReplaceInteger(usize, i64),
    Remove(usize),
    RemoveMany(usize, usize),
    RemoveRange(i64, usize),
    RemoveBetween(usize, usize),
    SplitOff(usize),
    Merge(Vec<Vec<u8>>, bool),
}

fn edit() -> impl Strategy<Value = Edit> {
    let index = 0..40_usize;
    prop_oneof![
        2 => text().prop_map(Edit::PushFront),
        4 => text().prop_map(Edit::PushBack),
        1 => (any::<i64>(), any::<bool>()).prop_map(|(integer, front)| Edit::PushInteger(integer, front)),
        2 => (index.clone(), text()).prop_map(|(index, text)| Edit::InsertBefore(index, text)),
        2 => (index.clone(), text()).prop_map(|(index, text)| Edit::InsertAfter(index, text)),
        1 => (index.clone(), prop::collection::vec(text(), 0..5))
            .prop_map(|(index, texts)| Edit::InsertMany(index, texts)),
        2 => (index.clone(), text()).prop_map(|(index, text)| Edit::Replace(index, text)),
        1 => (index.clone(), any::<i64>()).prop_map(|(index, integer)| Edit::ReplaceInteger(index, integer)),
        1 => index.clone().prop_map(Edit::Remove),
        1 => (index.clone(), 0..4_usize).prop_map(|(index, count)| Edit::RemoveMany(index, count)),
        1 => (-20..20_i64, 0..4_usize).prop_map(|(index, count)| Edit::RemoveRange(index, count)),
        1 => (index.clone(), 0..4_usize).prop_map(|(index, count)| Edit::RemoveBetween(index, count)),
        1 => index.prop_map(Edit::SplitOff),
        1 => (prop::collection::vec(text(), 0..5), any::<bool>())
            .prop_map(|(texts, front)| Edit::Merge(texts, front)),
    ]
}

fn listpack(texts: &[Vec<u8>]) -> Listpack {
    texts.iter().map(Vec::as_slice).collect()
}

fn values(texts: &[Vec<u8>]) -> impl Iterator<Item = ListpackValue<'_>> + Clone {
    texts.iter().map(|text| ListpackValue::Bytes(text))
}

/// Does the same to both; what an edit returns is compared as well.
fn apply(edit: Edit, pack: &mut Listpack, model: &mut Vec<Vec<u8>>) {
    let index_of = |pack: &Listpack, position: Option<Position>| {
        position
            .map_or(pack.len(), |position| pack.entries().position(|(other, _)| other == position).unwrap())
    };
    match edit {
        Edit::PushFront(text) => {
            pack.push_front(&text);
            model.insert(0, text);
        }
        Edit::PushBack(text) => {
            pack.push_back(&text);
            model.push(text);
        }
        Edit::PushInteger(integer, true) => {
            pack.push_front_integer(integer);
            model.insert(0, integer.to_string().into_bytes());
        }
        Edit::PushInteger(integer, false) => {
            pack.push_back_integer(integer);
            model.push(integer.to_string().into_bytes());
        }
        Edit::InsertMany(index, texts) => {
            let index = index.min(model.len());
            let position = pack.insert_many(pack.seek(index as i64), values(&texts));
            if index + texts.len() < model.len() {
                assert_eq!(index_of(pack, Some(position)), index);
            }
            model.splice(index..index, texts);
        }
        Edit::RemoveRange(index, count) => {
            let start = if index < 0 { model.len() as i64 + index } else { index };
            let removed = if (0..model.len() as i64).contains(&start) {
                let start = start as usize;
                model.drain(start..model.len().min(start + count)).count()
            } else {
                0
            };
            assert_eq!(pack.remove_range(index, count), removed);
        }
        Edit::SplitOff(index) => {
            let tail = model.split_off(index.min(model.len()));
            assert_eq!(pack.split_off(index), listpack(&tail));
        }
        Edit::Merge(texts, true) => {
            pack.merge_front(listpack(&texts).view());
            model.splice(0..0, texts);
        }
        Edit::Merge(texts, false) => {
            pack.merge(listpack(&texts).view());
            model.extend(texts);
        }
        // The rest needs an entry to work on.
        _ if model.is_empty() => {}
        Edit::InsertBefore(index, text) => {
            let index = index % model.len();
            let position = pack.insert_before(pack.seek(index as i64).unwrap(), &text);
            model.insert(index, text);
            assert_eq!(index_of(pack, Some(position)), index);
        }
        Edit::InsertAfter(index, text) => {
            let index = index % model.len();
            let position = pack.insert_after(pack.seek(index as i64).unwrap(), &text);
            model.insert(index + 1, text);
            assert_eq!(index_of(pack, Some(position)), index + 1);
        }
        Edit::Replace(index, text) => {
            let index = index % model.len();
            pack.replace(pack.seek(index as i64).unwrap(), &text);
            model[index] = text;
        }
        Edit::ReplaceInteger(index, integer) => {
            let index = index % model.len();
            pack.replace_integer(pack.seek(index as i64).unwrap(), integer);
            model[index] = integer.to_string().into_bytes();
        }
        Edit::Remove(index) => {
            let index = index % model.len();
            let behind = pack.remove(pack.seek(index as i64).unwrap());
            model.remove(index);
            assert_eq!(index_of(pack, behind), index);
        }
        Edit::RemoveMany(index, count) => {
            let index = index % model.len();
            let behind = pack.remove_many(pack.seek(index as i64).unwrap(), count);
            model.drain(index..model.len().min(index + count));
            assert_eq!(index_of(pack, behind), index);
        }
        Edit::RemoveBetween(index, count) => {
            let index = index % model.len();
            let to = pack.seek((index + count) as i64);
            let behind = pack.remove_between(pack.seek(index as i64).unwrap(), to);
            model.drain(index..model.len().min(index + count));
            assert_eq!(index_of(pack, behind), index);
        }
    }
}

/// Every way of reading gives what the model holds.
fn assert_same(pack: &Listpack, model: &[Vec<u8>]) {
    assert_eq!(Listpack::from_bytes(pack.as_bytes().to_vec()).as_ref(), Ok(pack));
    assert_eq!(pack, &listpack(model), "an edited listpack is the one made in one go");
    assert_eq!((pack.len(), pack.is_empty()), (model.len(), model.is_empty()));
    assert!(pack.iter().map(ListpackValue::to_vec).eq(model.iter().cloned()));
    assert!(pack.iter().rev().map(ListpackValue::to_vec).eq(model.iter().rev().cloned()));
    assert!(pack.entries().rev().map(|(position, _)| position).eq({
        let mut positions: Vec<_> =
            std::iter::successors(pack.first(), |position| pack.next(*position)).collect();
        positions.reverse();
        positions
    }));
    assert!(std::iter::successors(pack.last(), |position| pack.prev(*position)).count() == model.len());
    for (index, text) in model.iter().enumerate() {
        let value = pack.get_index(index as i64).unwrap();
        assert!(value.eq_bytes(text));
        assert_eq!(value.len(), text.len());
        assert_eq!(matches!(value, ListpackValue::Integer(_)), parse_integer(text).is_some());
        assert_eq!(pack.get_index(index as i64 - model.len() as i64), Some(value));
        for skip in 0..3 {
            let expected = model.iter().step_by(skip + 1).position(|other| other == text);
            let expected = expected.and_then(|found| pack.seek((found * (skip + 1)) as i64));
            assert_eq!(pack.find(text, skip), expected);
        }
    }
    assert_eq!(pack.seek(model.len() as i64), None);
    assert_eq!(pack.seek(-1 - model.len() as i64), None);
    assert_eq!(pack.find(b"not among them", 0), None);
}

proptest! {
    #[test]
    fn edits_do_what_they_do_to_a_vector(edits in prop::collection::vec(edit(), 1..30)) {
        let (mut pack, mut model) = (Listpack::new(), Vec::new());
        for edit in edits {
            apply(edit, &mut pack, &mut model);
            assert_same(&pack, &model);
        }
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_readable(
        entries in prop::collection::vec(prop_oneof![any::<u8>(), 0..3_u8, 0xf0..=0xff_u8], 0..60),
        count in any::<u16>(),
    ) {
        let mut bytes = (entries.len() as u32 + 7).to_le_bytes().to_vec();
        bytes.extend(count.to_le_bytes());
        bytes.extend(entries);
        bytes.push(TERMINATOR);
        crate::fuzzing::listpack(&bytes);
        // Any count is right when it is not known.
        bytes[4..6].fill(0xff);
        crate::fuzzing::listpack(&bytes);
    }

    #[test]
    fn damaged_listpacks_are_refused_or_readable(
        texts in prop::collection::vec(text(), 0..8),
        bit in any::<usize>(),
        cut in any::<usize>(),
    ) {
        let mut bytes = listpack(&texts).into_bytes().into_vec();
        crate::fuzzing::listpack(&bytes[..cut % bytes.len()]);
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        crate::fuzzing::listpack(&bytes);
    }
}

#[test]
fn a_listpack_takes_two_words() {
    assert_eq!(size_of::<Listpack>(), 16);
}

#[test]
fn an_unknown_number_of_entries_is_counted() {
    let texts: Vec<_> = (0..65_600).map(|index: u32| index.to_string().into_bytes()).collect();
    let mut pack = listpack(&texts);
    assert_eq!(pack.as_bytes()[4..6], [0xff, 0xff]);
    assert_eq!(pack.len(), texts.len());
    assert_eq!(pack.get_index(-1), Some(ListpackValue::Integer(65_599)));
    assert_eq!(pack.get_index(65_600), None);
    assert_eq!(pack.get_index(-65_601), None);
    assert_eq!(pack.remove_range(10, 65_580), 65_580);
    assert_eq!(pack.len(), 20);
    assert_eq!(Listpack::from_bytes(pack.as_bytes().to_vec()), Ok(pack));
}

#[test]
fn the_limit_counts_what_is_there() {
    let pack = Listpack::new();
    assert!(pack.fits(LISTPACK_BYTES_MAX - 7));
    assert!(!pack.fits(LISTPACK_BYTES_MAX - 6));
    assert!(!pack.fits(usize::MAX));
}

#[test]
fn a_refusal_says_what_is_wrong_and_where() {
    use crate::error::{Fault, Packing};
    let pack = listpack(&[b"a".to_vec(), vec![b'x'; 200], b"-1".to_vec()]);
    let refusal = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = pack.as_bytes().to_vec();
        edit(&mut bytes);
        let error = Listpack::from_bytes(bytes).unwrap_err();
        assert_eq!(error.packing, Packing::Listpack);
        (error.offset, error.fault)
    };
    let size = pack.byte_len() as u64;
    assert_eq!(refusal(&|bytes| bytes.truncate(6)), (0, Fault::TooShort { expected: 7, got: 6 }));
    assert_eq!(refusal(&|bytes| bytes.push(0)), (0, Fault::WrongSize { expected: size, got: size + 1 }));
    assert_eq!(refusal(&|bytes| bytes[4] = 9), (4, Fault::WrongCount { expected: 9, got: 3 }));
    assert_eq!(refusal(&|bytes| bytes[6] = 0xf5), (6, Fault::UnknownEncoding { got: 0xf5 }));
    assert_eq!(refusal(&|bytes| bytes[6] = 0xff), (6, Fault::EarlyTerminator { expected: size - 1 }));
    assert_eq!(refusal(&|bytes| bytes[8] = 3), (6, Fault::WrongBacklen { expected: 2, got: 3 }));
    assert_eq!(
        refusal(&|bytes| bytes[9] = 0xef),
        (9, Fault::EntryPastEnd { expected: 0xfc8 + 3, got: size - 10 })
    );
    let last = pack.byte_len() - 1;
    assert_eq!(refusal(&|bytes| bytes[last] = 0), (size - 1, Fault::NoTerminator { got: 0 }));
}
