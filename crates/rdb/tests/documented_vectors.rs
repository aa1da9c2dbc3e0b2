//! The worked examples of the format's description, byte for byte.

use lastsave_rdb::{
    Checksum, ChecksumStatus, DumpEncoder, DumpOptions, Event, HashValue, ListNodeRef, ListNodeValue,
    RdbVersion, Reader, ReaderOptions, SetValue, SortedSetValue, StringRef, StringValue, Value, decode_dump,
};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| {
            let text = str::from_utf8(pair).expect("hex digits are ASCII");
            u8::from_str_radix(text, 16).expect("hex digits")
        })
        .collect()
}

#[test]
fn a_string_payload() {
    let payload = bytes("00 05 68656C6C6F 0B00 0AAD620598ABC983");
    let value = decode_dump(&payload, DumpOptions::default()).unwrap();
    assert_eq!(value, Value::String(StringValue::Bytes(b"hello".to_vec())));
    let mut ours = Vec::new();
    DumpEncoder::new(RdbVersion::V11, true)
        .value(&mut ours, |writer| writer.string(StringRef::Bytes(b"hello")))
        .expect("strings fit every version");
    assert_eq!(ours, payload);
}

#[test]
fn a_hash_payload() {
    let payload = bytes("10 0C 0C0000000200 816102 0101 FF 0B00 ED792E9B57880D52");
    let Ok(Value::Hash(HashValue::Listpack(listpack))) = decode_dump(&payload, DumpOptions::default()) else {
        panic!("a packed hash")
    };
    let fields: Vec<_> = listpack.pairs().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
    assert_eq!(fields, [(b"a".to_vec(), b"1".to_vec())]);
    let mut ours = Vec::new();
    DumpEncoder::new(RdbVersion::V11, true)
        .value(&mut ours, |writer| writer.packed_hash(listpack.view()))
        .expect("the version has listpacks");
    assert_eq!(ours, payload);
}

#[test]
fn a_set_payload() {
    let payload = bytes("0B 0E 02000000 03000000 010002000300 0B00 CCDDE19190F1A492");
    let Ok(Value::Set(SetValue::Intset(intset))) = decode_dump(&payload, DumpOptions::default()) else {
        panic!("a set of integers")
    };
    assert_eq!(intset.iter().collect::<Vec<_>>(), [1, 2, 3]);
    let mut ours = Vec::new();
    DumpEncoder::new(RdbVersion::V11, true)
        .value(&mut ours, |writer| writer.set_of_integers(intset.view()))
        .expect("every version has intsets");
    assert_eq!(ours, payload);
}

#[test]
fn a_list() {
    let payload = bytes("12 01 02 10 10000000 0300 816102816202DFFF02FF 0B00 F81ADAFDA3AFE2D3");
    let Ok(Value::List(list)) = decode_dump(&payload, DumpOptions::default()) else { panic!("a list") };
    let [ListNodeValue::Packed(listpack)] = &list.nodes[..] else { panic!("one packed node") };
    assert_eq!(format!("{listpack:?}"), r#"["a", "b", -1]"#);
    let mut ours = Vec::new();
    let nodes = [ListNodeRef::Packed(listpack.as_bytes())];
    DumpEncoder::new(RdbVersion::V11, true)
        .value(&mut ours, |writer| writer.list(1, nodes.into_iter()))
        .expect("the version has lists of listpacks");
    assert_eq!(ours, payload);
}

#[test]
fn a_stream_payload() {
    let payload = bytes(
        "15 01 10 0000000000000001 0000000000000001 1D \
         1D000000 0A00 0101 0001 0101 816602 0001 0201 0001 0001 817602 0401 FF \
         01 01 01 01 01 00 00 01 00 0B00 E55AACD2A8048C73",
    );
    let Ok(Value::Stream(stream)) = decode_dump(&payload, DumpOptions::default()) else { panic!("a stream") };
    let mut ours = Vec::new();
    DumpEncoder::new(RdbVersion::V11, true)
        .value(&mut ours, |writer| {
            let mut writer = writer.stream(1)?;
            writer.node(stream.nodes[0].0, stream.nodes[0].1.view())?;
            writer.summary(&stream.summary, 0)
        })
        .expect("every version has streams");
    assert_eq!(ours, payload);
}

#[test]
fn payloads_of_sorted_sets() {
    let plain = bytes("05 01 01 6D 000000000000F83F 0B00 EF31374E67EF00F6");
    let Ok(Value::SortedSet(SortedSetValue::Elements(elements))) =
        decode_dump(&plain, DumpOptions::default())
    else {
        panic!("elements")
    };
    assert_eq!(elements.iter().collect::<Vec<_>>(), [(&b"m"[..], 1.5)]);
    let packed = bytes("11 14 14000000 0400 816D02 0101 816E02 83322E3504 FF 0B00 791287C30EE3B0DE");
    let Ok(Value::SortedSet(SortedSetValue::Listpack(listpack))) =
        decode_dump(&packed, DumpOptions::default())
    else {
        panic!("a listpack")
    };
    let mut ours = Vec::new();
    DumpEncoder::new(RdbVersion::V11, true)
        .value(&mut ours, |writer| writer.sorted_set_listpack(listpack.as_bytes()))
        .expect("the version has listpacks");
    assert_eq!(ours, packed);
}

#[test]
fn a_whole_file() {
    let file = bytes(
        "5245444953 30303131 FA 09 72656469732D766572 05 372E322E35 FE 00 FB 01 01 \
         FC 0068E5CF8B010000 00 01 6B 01 76 FF 7D1B132EC2E59F42",
    );
    let mut reader = Reader::new(&file[..], ReaderOptions::default());
    assert!(matches!(reader.next_event(), Ok(Event::Version(version)) if version.number == 11));
    let aux = Event::Aux { name: b"redis-ver".to_vec(), value: b"7.2.5".to_vec() };
    assert_eq!(reader.next_event(), Ok(aux));
    assert_eq!(reader.next_event(), Ok(Event::SelectDatabase(0)));
    assert_eq!(reader.next_event(), Ok(Event::Resize { keys: 1, expires: 1 }));
    let Ok(Event::Key(record)) = reader.next_event() else { panic!("a key") };
    assert_eq!((&record.key[..], record.offset), (&b"k"[..], 31));
    assert_eq!(record.value, Value::String(StringValue::Bytes(b"v".to_vec())));
    assert_eq!(record.metadata.expires_at_ms, Some(1_700_000_000_000));
    let checksum = Checksum::of(&file[..file.len() - 8]);
    let end = Event::End { checksum: ChecksumStatus::Verified(checksum) };
    assert_eq!(reader.next_event(), Ok(end));
    assert_eq!(reader.offset(), file.len() as u64);
}

#[test]
fn empty_files() {
    for (magic, checksum) in [
        ("REDIS0011", "C0228A8D74389762"),
        ("REDIS0010", "A9FD37FE89A77EEB"),
        ("VALKEY080", "439DA48FC1806C23"),
    ] {
        let file = [magic.as_bytes(), b"\xff", &bytes(checksum)].concat();
        let mut reader = Reader::new(&file[..], ReaderOptions::default());
        assert!(matches!(reader.next_event(), Ok(Event::Version(_))));
        let end = reader.next_event();
        assert!(matches!(end, Ok(Event::End { checksum: ChecksumStatus::Verified(_) })), "{magic}: {end:?}");
    }
}
