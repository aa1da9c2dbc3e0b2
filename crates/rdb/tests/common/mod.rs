//! What several test binaries share: the fixtures, reading a whole file, and a harness for the real Redis.

pub(crate) mod oracle;

use lastsave_rdb::{Error, Event, KeyMetadata, KeyRecord, Reader, ReaderOptions, StringValue, Value};

/// Every fixture by name.
pub(crate) const FIXTURES: &[(&str, &[u8])] = &[
    ("strings", include_bytes!("../fixtures/strings.rdb")),
    ("long", include_bytes!("../fixtures/long.rdb")),
    ("expires", include_bytes!("../fixtures/expires.rdb")),
    ("databases", include_bytes!("../fixtures/databases.rdb")),
    ("lru", include_bytes!("../fixtures/lru.rdb")),
    ("lfu", include_bytes!("../fixtures/lfu.rdb")),
    ("no-checksum", include_bytes!("../fixtures/no-checksum.rdb")),
    ("no-compression", include_bytes!("../fixtures/no-compression.rdb")),
    ("functions", include_bytes!("../fixtures/functions.rdb")),
    ("empty", include_bytes!("../fixtures/empty.rdb")),
    ("hash", include_bytes!("../fixtures/hash.rdb")),
    ("aof-base", include_bytes!("../fixtures/aof-base.rdb")),
];

/// Every fixture of a type of value, by name. What each holds stands beside it.
pub(crate) const TYPE_FIXTURES: &[(&str, &[u8])] = &[
    ("lists", include_bytes!("../fixtures/types/lists.rdb")),
    ("lists-compressed", include_bytes!("../fixtures/types/lists-compressed.rdb")),
    ("lists-with-plain-nodes", include_bytes!("../fixtures/types/lists-with-plain-nodes.rdb")),
    ("hashes", include_bytes!("../fixtures/types/hashes.rdb")),
    ("sets", include_bytes!("../fixtures/types/sets.rdb")),
    ("sorted-sets", include_bytes!("../fixtures/types/sorted-sets.rdb")),
    ("streams", include_bytes!("../fixtures/types/streams.rdb")),
    ("keys-with-times", include_bytes!("../fixtures/types/keys-with-times.rdb")),
];

pub(crate) fn fixture(name: &str) -> &'static [u8] {
    FIXTURES.iter().find(|(known, _)| *known == name).expect("a fixture of that name").1
}

/// Fixtures small enough to be damaged in every place.
pub(crate) fn small_fixtures() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FIXTURES.iter().chain(TYPE_FIXTURES).copied().filter(|(_, bytes)| bytes.len() < 1000)
}

/// All events up to the end, or up to an error.
pub(crate) fn read_events(bytes: &[u8], options: ReaderOptions) -> (Vec<Event>, Option<Error>) {
    let mut reader = Reader::new(bytes, options);
    let mut events = Vec::new();
    loop {
        match reader.next_event() {
            Ok(event) => {
                let end = matches!(event, Event::End { .. });
                events.push(event);
                if end {
                    return (events, None);
                }
            }
            Err(error) => return (events, Some(error)),
        }
    }
}

/// A key as the tests compare it: database, key, content, metadata.
pub(crate) type Row = (u64, Vec<u8>, Vec<u8>, KeyMetadata);

/// The keys among `events`, in file order.
pub(crate) fn rows(events: &[Event]) -> Vec<Row> {
    let mut database = 0;
    let mut rows = Vec::new();
    for event in events {
        match event {
            Event::SelectDatabase(index) => database = *index,
            Event::Key(KeyRecord { key, value, metadata, .. }) => {
                rows.push((database, key.clone(), content(value), *metadata));
            }
            _ => {}
        }
    }
    rows
}

/// The bytes of a string value; of another, a text that differs when the value does.
pub(crate) fn content(value: &Value) -> Vec<u8> {
    match value {
        Value::String(value) => StringValue::into_bytes(value.clone()),
        other => format!("{other:?}").into_bytes(),
    }
}

/// The keys of a file that must be good.
pub(crate) fn read_rows(bytes: &[u8]) -> Vec<Row> {
    let (events, error) = read_events(bytes, ReaderOptions::default());
    assert_eq!(error, None);
    rows(&events)
}
