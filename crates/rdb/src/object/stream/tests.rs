//! Streams of a real server, and what is done to them.

use lastsave_listpack::{Listpack, ListpackValue};

use super::{EntriesRead, EntryId, NodeFault, StreamFault, StreamValue};
use crate::{
    DumpEncoder, DumpOptions, RdbVersion, Value, decode_dump, error::ErrorKind, fuzzing::write_stream,
    source::Source,
};

/// What redis-server 7.0.15 dumps: seven entries in three nodes, two of them deleted, one group without and one with
/// consumers, of which one has nothing pending.
fn payload_of_redis() -> Vec<u8> {
    bytes(
        "13031000000000000000010000000000000001333300000014000201010101018474656d700500010201000100 \
         01010104010301010100010201040102010201000103010401ff10000000000000000400000000000000014046 \
         4600000018000201010101018474656d7005000102010001000104010401020101010001050104010101020100 \
         010201856f74686572068178028474656d7005dff9020801ff10000000000000012c00000000000000051c1c00 \
         00000a00010100010101816102000102010001000180010401ff05412c0501010601070205616c706861412c05 \
         81ffffffffffffffff0000016704010404000000000000000100000000000000010168e5cf8b01000002000000 \
         00000000020000000000000001120a0013a201000001000000000000000300000000000000010068e5cf8b0100 \
         0007000000000000000400000000000000010168e5cf8b010000020303616e6e170a0013a20100000003626f62 \
         370a0013a201000004000000000000000100000000000000010000000000000002000000000000000100000000 \
         00000003000000000000000100000000000000040000000000000001046361726c200a0013a2010000000a0050 \
         061e533974ca38",
    )
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).expect("digits are ASCII");
        u8::from_str_radix(text, 16).expect("only digits are left")
    };
    digits.chunks(2).map(pair).collect()
}

fn decode(payload: &[u8]) -> StreamValue {
    match decode_dump(payload, DumpOptions::default()) {
        Ok(Value::Stream(stream)) => stream,
        other => panic!("a stream expected, got {other:?}"),
    }
}

fn encode(stream: &StreamValue, version: RdbVersion) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut encoder = DumpEncoder::new(version, false);
    encoder.value(&mut payload, |writer| write_stream(stream, writer)).expect("every version has streams");
    payload
}

/// Reads the stream of type `type_byte` without the trailer of a payload.
fn read_bytes(type_byte: u8, bytes: &[u8]) -> Result<StreamValue, ErrorKind> {
    super::read(type_byte, &mut Source::new(bytes, 64, Some(bytes.len() as u64), false))
}

#[test]
fn a_stream_of_redis_is_read_and_written_byte_by_byte() {
    let payload = payload_of_redis();
    let stream = decode(&payload);
    assert_eq!((stream.nodes.len(), stream.summary.length), (3, 5));
    assert_eq!(stream.summary.last_id, EntryId { ms: 300, seq: 5 });
    assert_eq!(stream.summary.max_deleted_id, EntryId { ms: 6, seq: 1 });
    assert_eq!(stream.summary.entries_added, 7);
    let [alpha, group] = &stream.groups[..] else { panic!("two groups") };
    assert_eq!((alpha.entries_read, alpha.consumers.len()), (EntriesRead::Unknown, 0));
    assert_eq!((group.entries_read, group.pending.len()), (EntriesRead::Known(4), 4));
    let owners = group.pending.iter().map(|pending| &group.consumers[pending.consumer].name[..]);
    assert!(owners.eq([&b"bob"[..]; 4]));
    assert_eq!((group.pending[2].delivered_ms, group.pending[2].deliveries), (1_700_000_000_000, 7));
    assert_eq!(encode(&stream, RdbVersion::V10), payload);
}

#[test]
fn newer_versions_keep_everything_and_version_9_what_it_can() {
    let stream = decode(&payload_of_redis());
    let newest = decode(&encode(&stream, RdbVersion::V11));
    assert_eq!(newest, stream);
    let oldest = decode(&encode(&stream, RdbVersion::V9));
    assert_eq!(oldest.nodes, stream.nodes);
    assert_eq!(oldest.summary.entries_added, 5);
    assert_eq!(oldest.summary.first_id, stream.summary.first_id);
    assert!(oldest.groups.iter().all(|group| group.entries_read == EntriesRead::Untold));
    assert_eq!(oldest.groups[1].pending, stream.groups[1].pending);
}

#[test]
fn no_change_of_a_byte_is_taken_for_a_stream_unchecked() {
    let payload = payload_of_redis();
    let body = &payload[1..payload.len() - 10];
    for end in 0..body.len() {
        assert!(read_bytes(19, &body[..end]).is_err(), "cut to {end}");
    }
    for index in 0..body.len() {
        for bit in 0..8 {
            let mut changed = body.to_vec();
            changed[index] ^= 1 << bit;
            // It may be a good stream still; then it can be written and read again.
            if let Ok(stream) = read_bytes(19, &changed) {
                assert_eq!(decode(&encode(&stream, RdbVersion::V11)), stream);
            }
        }
    }
}

const NODE: EntryId = EntryId { ms: 5, seq: 1 };

fn check(elements: &[i64]) -> Result<super::node::NodeContent, NodeFault> {
    let listpack: Listpack = elements.iter().map(|element| ListpackValue::Integer(*element)).collect();
    super::node::check(NODE, listpack.view())
}

#[test]
fn the_structure_of_nodes_is_checked() {
    let good = [1, 1, 1, 77, 0, 3, 0, 0, 9, 4, 0, 1, 0, 2, 8, 9, 8, 9, 8];
    let content = check(&good).expect("it is good");
    assert_eq!((content.live, content.first_live_id), (1, Some(EntryId { ms: 6, seq: 1 })));
    assert_eq!(content.last_id, EntryId { ms: 6, seq: 1 });
    let changed = |at: usize, element: i64| {
        let mut elements = good;
        elements[at] = element;
        check(&elements)
    };
    assert!(matches!(check(&[]), Err(NodeFault::Empty)));
    assert!(matches!(check(&good[..18]), Err(NodeFault::Ends { element: 18, .. })));
    assert!(matches!(check(&[&good[..], &[1]].concat()), Err(NodeFault::Behind { elements: 1 })));
    // More or fewer entries than there are.
    assert!(matches!(changed(0, 2), Err(NodeFault::Ends { element: 19, .. })));
    assert!(matches!(
        changed(0, 0),
        Err(NodeFault::WrongNumber { element: 0, .. }) | Err(NodeFault::Behind { .. })
    ));
    assert!(matches!(changed(0, -1), Err(NodeFault::OutOfRange { element: 0, .. })));
    assert!(matches!(changed(1, i64::MAX), Err(NodeFault::Ends { .. })));
    // A flag that makes another entry deleted than was counted.
    assert!(matches!(changed(5, 2), Err(NodeFault::WrongNumber { element: 0, .. })));
    assert!(matches!(changed(2, i64::MAX), Err(NodeFault::Ends { .. })));
    assert!(matches!(changed(4, 1), Err(NodeFault::WrongNumber { element: 4, .. })));
    assert!(matches!(changed(9, 5), Err(NodeFault::WrongNumber { element: 9, .. })));
    assert!(matches!(changed(11, 0), Err(NodeFault::IdOrder { element: 10, .. })));
    assert!(matches!(changed(7, -1), Err(NodeFault::IdOrder { element: 5, .. })));
    assert!(matches!(changed(13, i64::MAX), Err(NodeFault::Ends { .. })));
}

#[test]
fn contradictions_are_named() {
    let fault = |stream: &StreamValue| {
        let payload = encode(stream, RdbVersion::V11);
        match read_bytes(21, &payload[1..payload.len() - 10]) {
            Err(ErrorKind::InvalidStream(fault)) => fault,
            other => panic!("{other:?}"),
        }
    };
    let good = decode(&payload_of_redis());
    let with = |change: &dyn Fn(&mut StreamValue)| {
        let mut stream = good.clone();
        change(&mut stream);
        fault(&stream)
    };
    assert!(matches!(with(&|stream| stream.summary.length = 6), StreamFault::Length { expected: 6, got: 5 }));
    let low = EntryId { ms: 300, seq: 4 };
    assert!(
        matches!(with(&|stream| stream.summary.last_id = low), StreamFault::LastId { got, .. } if got == low)
    );
    assert!(matches!(with(&|stream| stream.nodes.swap(0, 1)), StreamFault::NodeOrder { .. }));
    assert!(matches!(
        with(&|stream| stream.nodes[1] = stream.nodes[0].clone()),
        StreamFault::NodeOrder { .. }
    ));
    let twin = |stream: &mut StreamValue| stream.groups[0].name = b"g".to_vec();
    assert!(matches!(with(&twin), StreamFault::DuplicateGroup { .. }));
    let twin = |stream: &mut StreamValue| stream.groups[1].consumers[0].name = b"bob".to_vec();
    assert!(matches!(with(&twin), StreamFault::DuplicateConsumer { .. }));
    let orphan = |stream: &mut StreamValue| stream.groups[1].pending[2].consumer = 9;
    assert!(matches!(with(&orphan), StreamFault::PendingWithoutConsumer { .. }));
    let twin = |stream: &mut StreamValue| stream.groups[1].pending[2].id = stream.groups[1].pending[0].id;
    assert!(matches!(with(&twin), StreamFault::DuplicatePending { .. }));
}

#[test]
fn a_consumer_of_version_9_that_was_never_active_stays_so() {
    // The finding of a fuzzer: a payload of type 15 whose one consumer was seen at -1.
    let body =
        b"\x0f\x00\x00\x00\x00\x01\x00\x4e\x0f\x00\x00\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\xfb\
        \x00\x00\x00\x00\x00\x00\x00\xff\x00\x3a\x00\x00\x34\xff\xff\xff\xff\x00\x00\x00\xff\x00\x00\x00\
        \xe9\x00\x28\x00\x5d\x00\x8f\x00";
    crate::fuzzing::decode_payload(body);
}
