//! What is written at any version is read back the same.

#[expect(dead_code, reason = "each test binary uses its own part")]
mod common;

use common::{Row, read_events, rows};
use lastsave_rdb::{
    ChecksumStatus, DumpEncoder, DumpOptions, Event, Finished, Header, KeyMetadata, RdbVersion,
    ReaderOptions, StringRef, StringValue, Value, WriteError, Writer, WriterOptions, decode_dump,
};
use proptest::prelude::*;

const HEADER: Header<'_> = Header {
    redis_version: "7.2.5",
    created_unix_seconds: 1_700_000_000,
    used_memory_bytes: 123_456,
    replication: None,
    aof_base: false,
};

fn write(rows: &[Row], options: WriterOptions) -> Vec<u8> {
    let finished = try_write(rows, options).expect("a vector takes every byte");
    assert_eq!(finished.counts.keys, rows.len() as u64);
    let expires = rows.iter().filter(|row| row.3.expires_at_ms.is_some()).count();
    assert_eq!(finished.counts.expires, expires as u64);
    assert_eq!(finished.counts.bytes, finished.inner.len() as u64);
    finished.inner
}

fn try_write(rows: &[Row], options: WriterOptions) -> Result<Finished<Vec<u8>>, WriteError> {
    let mut writer = Writer::new(Vec::new(), options, &HEADER)?;
    if options.version.has_functions() {
        writer.function_library(b"#!lua name=lib\n")?;
    }
    let mut database = None;
    for (index, key, value, metadata) in rows {
        if database != Some(*index) {
            writer.select_database(*index)?;
            writer.resize(rows.len() as u64, 0)?;
            database = Some(*index);
        }
        writer.string(key, StringRef::Bytes(value), metadata)?;
    }
    writer.finish()
}

fn string() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        any::<i32>().prop_map(|number| number.to_string().into_bytes()),
        any::<i8>().prop_map(|number| number.to_string().into_bytes()),
        (any::<u8>(), 0..20_000_usize).prop_map(|(byte, length)| vec![byte; length]),
        prop::collection::vec(0..3_u8, 0..500),
        prop::sample::select(vec!["", "-", "-0", "007", "+1", "99999999999"]).prop_map(|text| text.into()),
    ]
}

fn metadata() -> impl Strategy<Value = KeyMetadata> {
    let access = prop_oneof![
        Just((None, None)),
        any::<u32>().prop_map(|idle| (Some(u64::from(idle)), None)),
        any::<u8>().prop_map(|frequency| (None, Some(frequency))),
    ];
    // An expiry of -1 cannot be written: it stands for none.
    (prop::option::of(any::<i64>().prop_filter("stands for none", |expiry| *expiry != -1)), access).prop_map(
        |(expires_at_ms, (idle_seconds, frequency))| KeyMetadata { expires_at_ms, idle_seconds, frequency },
    )
}

proptest! {
    #[test]
    fn at_every_version(
        rows_written in prop::collection::vec((0..20_u64, string(), string(), metadata()), 0..30),
        compression in any::<bool>(),
        checksum in any::<bool>(),
    ) {
        for number in 9..=12 {
            let version = RdbVersion::new(number).unwrap();
            let file = write(&rows_written, WriterOptions { version, compression, checksum });
            for total_bytes in [None, Some(file.len() as u64)] {
                let options = ReaderOptions { total_bytes, buffer_bytes: 1000, ..ReaderOptions::default() };
                let (events, error) = read_events(&file, options);
                prop_assert_eq!(error, None);
                prop_assert_eq!(&rows(&events), &rows_written);
                let Some(Event::End { checksum: status }) = events.last() else { panic!("no end") };
                prop_assert_eq!(matches!(status, ChecksumStatus::Verified(_)), checksum);
                prop_assert_eq!(*status == ChecksumStatus::Disabled, !checksum);
            }
        }
    }

    #[test]
    fn in_payloads(value in string(), compression in any::<bool>(), number in 9..13_u16) {
        let mut encoder = DumpEncoder::new(RdbVersion::new(number).unwrap(), compression);
        let mut payloads = Vec::new();
        encoder.value(&mut payloads, |writer| writer.string(StringRef::Bytes(&value))).expect("strings fit every version");
        let decoded = decode_dump(&payloads, DumpOptions::default()).unwrap();
        prop_assert_eq!(common::content(&decoded), value);
    }

    #[test]
    fn numbers_in_payloads(number in any::<i64>()) {
        let mut payload = Vec::new();
        DumpEncoder::new(RdbVersion::V11, true).value(&mut payload, |writer| writer.string(StringRef::Integer(number))).expect("strings fit every version");
        let decoded = decode_dump(&payload, DumpOptions::default()).unwrap();
        if i32::try_from(number).is_ok() {
            prop_assert_eq!(&decoded, &Value::String(StringValue::Integer(number)));
        }
        prop_assert_eq!(common::content(&decoded), number.to_string().into_bytes());
    }
}

#[test]
fn values_larger_than_every_buffer() {
    let mut state = 1_u32;
    let random: Vec<u8> = (0..3_000_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let rows_written: Vec<Row> =
        [random.clone(), vec![b'x'; 5_000_000], random[..140_000].to_vec(), vec![1; 10]]
            .into_iter()
            .enumerate()
            .map(|(index, value)| (0, format!("key{index}").into_bytes(), value, KeyMetadata::default()))
            .collect();
    for compression in [false, true] {
        let file = write(&rows_written, WriterOptions { compression, ..WriterOptions::default() });
        assert!(compression == (file.len() < 4_000_000));
        for total_bytes in [None, Some(file.len() as u64)] {
            let options = ReaderOptions { total_bytes, ..ReaderOptions::default() };
            let (events, error) = read_events(&file, options);
            assert_eq!(error, None);
            assert_eq!(rows(&events), rows_written);
        }
    }
}
