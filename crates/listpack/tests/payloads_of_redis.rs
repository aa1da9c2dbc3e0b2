//! DUMP payloads of redis-server 7.0.15: what it made of the same values must be what we make, byte for byte.
//!
//! The payloads were taken with `rdbcompression no` and `list-max-listpack-size -5`. In the texts below `78*64` stands
//! for 64 bytes of 0x78.

use lastsave_listpack::{Intset, Listpack, ListpackBuilder, ListpackValue};

/// RPUSH of the integers on both sides of every border.
const INTEGERS: &str = "1201024080800000001800000101017f01c08002dfff02dffe02cfff02d00002 \
    f1001003f1ffef03f1ff7f03f1008003f200800004f2ff7fff04f2ffff7f04f2 \
    00008004f30000800005f3ffff7fff05f3ffffff7f05f30000008005f4000000 \
    800000000009f4ffffff7fffffffff09f4ffffffffffffff7f09f40000000000 \
    00008009ff0a008383da44f15b22b0";

/// RPUSH of what looks like an integer but is not the canonical text of one.
const ALMOST_INTEGERS: &str = "1201024069690000000c008001812d02822b3103822d30038230300382303103 \
    83312e350482203103933932323333373230333638353437373538303814942d \
    3932323333373230333638353437373538303915943132333435363738393031 \
    32333435363738393015816102ff0a00cb7bb0a486f8ca3b";

/// RPUSH of `x`, 62 to 65, 124 to 127 and 4094 to 4096 times.
const STRINGS: &str = "120102731f1f3300000b00be 78*62 3fbf 78*63 40e040 78*64 42e041 78*65 43e07c 78*124 \
    7ee07d 78*125 7fe07e 78*126 0180e07f 78*127 0181effe 78*4094 2080efff 78*4095 \
    2081f000100000 78*4096 2085ff0a004ad618a7761e6bf7";

/// RPUSH of `x`, 16377 and 16378 times: the entries have 16382 and 16383 bytes.
const LONG_STRINGS: &str = "1201028000008009098000000200f0f93f0000 78*16377 7ffef0fa3f0000 78*16378 \
    00ffffff0a006074a62373a04341";

/// RPUSH a b c d, LPUSH 7, LSET 2 to 64 times `x`, LINSERT -5000 BEFORE c, LREM a, LSET 0 to 1000000.
const EDITED: &str = "1201024059590000000500f240420f04e040 78*64 \
    42f178ec03816302816402ff0a00ee6f7d49edb6e634";

/// HSET name Ada born 1815 id -9000000000.
const HASH: &str = "1029290000000600846e616d6505834164610484626f726e05c7170282696403 \
    f400e68ee7fdffffff09ff0a00aa96dc22ed16040e";

/// ZADD 1 m 2.5 n -3 17.
const SORTED_SET: &str = "11191900000006001101dffd02816d020101816e0283322e3504ff0a00ad874b \
    1439e8c56b";

/// SADD 5 -32768 32767 0.
const SET_16: &str = "0b100200000004000000008000000500ff7f0a00d6155d699e625238";

/// SADD 5 -32769 0.
const SET_32: &str = "0b140400000003000000ff7fffff00000000050000000a00902887d9198b8eb1";

/// SADD 2147483648 -1 and the extremes of 64 bits.
const SET_64: &str = "0b280800000004 00*10 80 ff*8 0000008000000000ffffffffffffff7f0a0002dabdbce49d3fd0";

/// SADD 1 2 70000, SREM 70000.
const SET_SHRUNK: &str = "0b10040000000200000001000000020000000a00234df9c5cc5e79db";

/// The bytes that a text stands for.
fn bytes(text: &str) -> Vec<u8> {
    let byte = |digits: &[u8]| {
        let text = str::from_utf8(digits).expect("hex digits are ASCII");
        u8::from_str_radix(text, 16).expect("hex digits")
    };
    let mut bytes = Vec::new();
    for word in text.split_ascii_whitespace() {
        match word.split_once('*') {
            Some((digits, times)) => {
                bytes.extend(vec![byte(digits.as_bytes()); times.parse().expect("a number")]);
            }
            None => bytes.extend(word.as_bytes().chunks(2).map(byte)),
        }
    }
    bytes
}

/// The packed value inside a payload: behind the type (with number of nodes and container for a list) and the length,
/// before version and checksum.
fn packed(payload: &str) -> Vec<u8> {
    let payload = bytes(payload);
    let start = if payload[0] == 0x12 { 3 } else { 1 };
    let behind_length = start + [1, 2, 5][usize::from(payload[start] >> 6)];
    payload[behind_length..payload.len() - 10].to_vec()
}

fn assert_same(payload: &str, texts: &[Vec<u8>]) {
    let expected = packed(payload);
    let mut pushed = Listpack::new();
    let mut pushed_in_front = Listpack::new();
    let mut builder = ListpackBuilder::default();
    for text in texts {
        pushed.push_back(text);
        builder.push(text);
    }
    for text in texts.iter().rev() {
        pushed_in_front.push_front(text);
    }
    let mut appended = Listpack::new();
    appended.append_many(texts.iter().map(Vec::as_slice));
    for ours in [pushed, pushed_in_front, builder.finish(), appended] {
        assert!(ours.as_bytes() == expected, "{ours:?}");
    }
    let theirs = Listpack::from_bytes(expected).expect("a good listpack");
    assert!(theirs.iter().map(ListpackValue::to_vec).eq(texts.iter().cloned()));
    assert!(theirs.iter().rev().map(ListpackValue::to_vec).eq(texts.iter().rev().cloned()));
}

fn repeated(lengths: &[usize]) -> Vec<Vec<u8>> {
    lengths.iter().map(|length| vec![b'x'; *length]).collect()
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn integers_take_the_form_that_redis_gives_them() {
    let integers = [
        0,
        1,
        0x7f,
        0x80,
        -1,
        -2,
        0xfff,
        -0x1000,
        0x1000,
        -0x1001,
        0x7fff,
        -0x8000,
        0x8000,
        -0x8001,
        0x7f_ffff,
        -0x80_0000,
        0x80_0000,
        -0x80_0001,
        0x7fff_ffff,
        -0x8000_0000,
        0x8000_0000,
        -0x8000_0001,
        i64::MAX,
        i64::MIN,
    ];
    assert_same(INTEGERS, &integers.map(|integer| integer.to_string().into_bytes()));
    let mut pack = Listpack::new();
    for integer in integers {
        pack.push_back_integer(integer);
    }
    assert_eq!(pack.as_bytes(), packed(INTEGERS));
    assert!(pack.iter().all(|value| matches!(value, ListpackValue::Integer(_))));
}

#[test]
fn other_decimals_stay_strings_as_in_redis() {
    assert_same(
        ALMOST_INTEGERS,
        &texts(&[
            "",
            "-",
            "+1",
            "-0",
            "00",
            "01",
            "1.5",
            " 1",
            "9223372036854775808",
            "-9223372036854775809",
            "12345678901234567890",
            "a",
        ]),
    );
}

#[test]
fn strings_of_every_length_take_the_form_that_redis_gives_them() {
    assert_same(STRINGS, &repeated(&[62, 63, 64, 65, 124, 125, 126, 127, 4094, 4095, 4096]));
    assert_same(LONG_STRINGS, &repeated(&[16_377, 16_378]));
}

#[test]
fn edits_leave_the_bytes_that_redis_has_after_them() {
    let mut pack: Listpack = [b"a", b"b", b"c", b"d"].into_iter().map(|text| text.as_slice()).collect();
    pack.push_front(b"7");
    pack.replace(pack.seek(2).unwrap(), &[b'x'; 64]);
    let c = pack.find(b"c", 0).unwrap();
    assert_eq!(pack.insert_before(c, b"-5000"), c);
    let a = pack.find(b"a", 0).unwrap();
    assert_eq!(pack.remove(a), pack.seek(1));
    pack.replace_integer(pack.first().unwrap(), 1_000_000);
    assert_eq!(pack.as_bytes(), packed(EDITED));
}

#[test]
fn pairs_lie_as_in_hashes_and_sorted_sets_of_redis() {
    assert_same(HASH, &texts(&["name", "Ada", "born", "1815", "id", "-9000000000"]));
    assert_same(SORTED_SET, &texts(&["17", "-3", "m", "1", "n", "2.5"]));
    let hash = Listpack::from_bytes(packed(HASH)).unwrap();
    let pairs: Vec<_> = hash.pairs().map(|(field, value)| (field.to_vec(), value.parse_integer())).collect();
    assert_eq!(
        pairs,
        [(b"name".to_vec(), None), (b"born".to_vec(), Some(1815)), (b"id".to_vec(), Some(-9_000_000_000))]
    );
}

#[test]
fn intsets_have_the_bytes_of_redis() {
    let sets: [(&str, &[i64]); 4] = [
        (SET_16, &[5, -32_768, 32_767, 0]),
        (SET_32, &[5, -32_769, 0]),
        (SET_64, &[2_147_483_648, -1, i64::MAX, i64::MIN]),
        (SET_SHRUNK, &[1, 2, 70_000]),
    ];
    for (payload, members) in sets {
        let expected = packed(payload);
        let mut set = Intset::new();
        for member in members {
            assert!(set.insert(*member));
        }
        if payload == SET_SHRUNK {
            assert!(set.remove(70_000));
        }
        assert_eq!(set.as_bytes(), expected);
        assert_eq!(Intset::from_bytes(expected).unwrap(), set);
    }
}
