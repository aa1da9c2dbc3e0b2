//! Entry points for fuzzers: each takes arbitrary bytes and panics when a promise of this crate is broken.

use lastsave_lzf::Compressor;

use crate::{
    check::{CheckOptions, check_rdb},
    dump::{DumpEncoder, DumpOptions, decode_dump},
    error::Error,
    function_dump::{decode_function_dump, encode_function_dump},
    object::{
        ValueWriter,
        hash::HashValue,
        list::{ListNodeRef, ListNodeValue, ListValue},
        set::SetValue,
        sorted_set::SortedSetValue,
        stream::{EntriesRead, StreamValue},
    },
    reader::{ChecksumStatus, Event, Reader, ReaderOptions},
    sink::Put,
    value::{KeyMetadata, StringRef, StringValue, Value},
    version::RdbVersion,
    writer::{WriteError, Writer, WriterOptions},
};

/// Reads `bytes` as a file, with and without knowing their number; what can be read is written again, and must come
/// back the same.
pub fn read_file(bytes: &[u8]) {
    let read = |input: &[u8], total_bytes, buffer_bytes| {
        let options =
            ReaderOptions { checksum: false, total_bytes, buffer_bytes, ..ReaderOptions::default() };
        let mut reader = Reader::new(input, options);
        let mut events = Vec::new();
        loop {
            match reader.next_event() {
                Ok(Event::End { .. }) => return (events, true),
                Ok(event) => events.push(event),
                Err(_) => return (events, false),
            }
        }
    };
    let (events, complete) = read(bytes, Some(bytes.len() as u64), 1 << 16);
    assert_eq!((&events, complete), (&read(bytes, None, 64).0, read(bytes, None, 64).1));
    for buffer_bytes in [64, 1 << 16] {
        let options = ReaderOptions { checksum: false, buffer_bytes, ..ReaderOptions::default() };
        let (slow, fast) = (strings(bytes, false, options), strings(bytes, true, options));
        assert_eq!(slow.fast, 0);
        assert_eq!((slow.keys, slow.end.err()), (fast.keys, fast.end.err()));
    }
    let options = WriterOptions { version: RdbVersion::V12, ..WriterOptions::default() };
    let mut writer = Writer::bare(Vec::new(), options).expect("a vector takes every byte");
    let mut keys = Vec::new();
    for event in events {
        if let Event::Key(mut record) = event {
            // An idle time excludes a frequency when written.
            if record.metadata.idle_seconds.is_some() {
                record.metadata.frequency = None;
            }
            write_value(&record.value, writer.key(&record.key, &record.metadata))
                .expect("a vector takes every byte");
            keys.push(record);
        }
    }
    let file = writer.finish().expect("a vector takes every byte").inner;
    let (again, complete) = read(&file, None, 128);
    assert!(complete);
    let mut again = again.into_iter().filter_map(|event| match event {
        Event::Key(record) => Some(record),
        _ => None,
    });
    for record in keys {
        let other = again.next().expect("as many keys as were written");
        assert_eq!((record.key, record.metadata), (other.key, other.metadata));
        assert_eq!(content(record.value), content(other.value));
    }
}

/// Key, value, metadata, and where the record begins and ends.
type StringKey = (Vec<u8>, Vec<u8>, KeyMetadata, u64, u64);

/// The keys with strings of a file, as one of the two ways of reading sees them.
#[derive(Debug)]
pub(crate) struct Strings {
    pub(crate) keys: Vec<StringKey>,
    /// How many of them went the fast way.
    pub(crate) fast: usize,
    pub(crate) end: Result<ChecksumStatus, Error>,
}

/// Reads the keys with strings of a file by events alone, or by the fast way where it goes.
pub(crate) fn strings(bytes: &[u8], is_fast: bool, options: ReaderOptions) -> Strings {
    let mut reader = Reader::new(bytes, options);
    let (mut keys, mut fast) = (Vec::new(), 0);
    let end = loop {
        while let Some(record) = is_fast.then(|| reader.next_string()).flatten() {
            let value = match record.value {
                StringRef::Integer(number) => number.to_string().into_bytes(),
                StringRef::Bytes(bytes) => bytes.to_vec(),
            };
            keys.push((record.key.to_vec(), value, record.metadata, record.offset, record.end_offset));
            fast += 1;
        }
        match reader.next_event() {
            Ok(Event::Key(record)) => {
                let Value::String(value) = record.value else { continue };
                let value = value.into_bytes();
                keys.push((record.key, value, record.metadata, record.offset, record.end_offset));
            }
            Ok(Event::End { checksum }) => break Ok(checksum),
            Ok(_) => {}
            Err(error) => break Err(error),
        }
    };
    Strings { keys, fast, end }
}

/// Reads a good file and writes all its keys again, as a file of `version`.
pub fn rewrite_file(bytes: &[u8], version: RdbVersion) -> Vec<u8> {
    let mut reader = Reader::new(bytes, ReaderOptions::default());
    let options = WriterOptions { version, ..WriterOptions::default() };
    let mut writer = Writer::bare(Vec::new(), options).expect("a vector takes every byte");
    loop {
        match reader.next_event().expect("the file is good") {
            Event::SelectDatabase(index) => {
                writer.select_database(index).expect("a vector takes every byte");
                writer.resize(0, 0).expect("a vector takes every byte");
            }
            Event::Key(record) => write_value(&record.value, writer.key(&record.key, &record.metadata))
                .expect("the version has every value"),
            Event::End { .. } => return writer.finish().expect("a vector takes every byte").inner,
            _ => {}
        }
    }
}

/// Decodes `bytes` as a DUMP payload; a good one is encoded and decoded again.
pub fn decode_payload(bytes: &[u8]) {
    let options = DumpOptions { checksum: false, ..DumpOptions::default() };
    if let Ok(value) = decode_dump(bytes, options) {
        let mut payload = Vec::new();
        DumpEncoder::new(RdbVersion::V12, true)
            .value(&mut payload, |writer| write_value(&value, writer))
            .expect("the version has every value");
        let again = decode_dump(&payload, DumpOptions::default()).expect("our own payload is good");
        assert_eq!(content(value), content(again));
    }
    if let Ok(libraries) = decode_function_dump(bytes, options) {
        let texts = libraries.iter().map(Vec::as_slice);
        let payload = encode_function_dump(texts, RdbVersion::V12, true).expect("the version has functions");
        let again = decode_function_dump(&payload, DumpOptions::default());
        assert_eq!(again, Ok(libraries));
    }
}

/// Writes a value in the form in which it was read.
fn write_value<P: Put>(value: &Value, writer: ValueWriter<'_, P>) -> Result<(), WriteError> {
    match value {
        Value::String(value) => writer.string(value.as_ref()),
        Value::SortedSet(SortedSetValue::Listpack(listpack)) => {
            writer.sorted_set_listpack(listpack.as_bytes())
        }
        Value::SortedSet(SortedSetValue::Elements(elements)) => {
            let refs = elements.iter().map(|(member, score)| (StringRef::Bytes(member), score));
            writer.sorted_set(elements.len(), refs)
        }
        Value::Hash(HashValue::Listpack(listpack)) => writer.packed_hash(listpack.view()),
        Value::Hash(HashValue::Fields(fields)) => {
            let refs = fields.pairs().map(|(field, value)| (field.into(), value.into()));
            writer.hash(fields.len() / 2, refs)
        }
        Value::Hash(HashValue::Expiring(fields)) => {
            let soonest_ms = fields.iter().filter_map(|(_, _, time_ms)| time_ms).min().unwrap_or(0);
            let refs = fields.iter().map(|(field, value, time_ms)| (field.into(), value.into(), time_ms));
            writer.expiring_hash(fields.len(), soonest_ms, refs)
        }
        Value::Set(SetValue::Intset(intset)) => writer.set_of_integers(intset.view()),
        Value::Set(SetValue::Listpack(listpack)) => writer.packed_set(listpack.view()),
        Value::Stream(stream) => write_stream(stream, writer),
        Value::Set(SetValue::Members(members)) => {
            writer.set(members.len(), members.iter().map(StringRef::from))
        }
        Value::List(list) => {
            let nodes = list.nodes.iter().map(|node| match node {
                ListNodeValue::Packed(listpack) => ListNodeRef::Packed(listpack.as_bytes()),
                ListNodeValue::Plain(bytes) => ListNodeRef::Plain(bytes),
            });
            writer.list(list.nodes.len(), nodes)
        }
    }
}

/// Writes a stream as it was read.
pub(crate) fn write_stream<P: Put>(
    stream: &StreamValue,
    writer: ValueWriter<'_, P>,
) -> Result<(), WriteError> {
    let mut writer = writer.stream(stream.nodes.len())?;
    for (id, listpack) in &stream.nodes {
        writer.node(*id, listpack.view())?;
    }
    writer.summary(&stream.summary, stream.groups.len())?;
    for group in &stream.groups {
        let entries_read = match group.entries_read {
            EntriesRead::Known(read) => Some(read),
            EntriesRead::Untold | EntriesRead::Unknown => None,
        };
        writer.group(&group.name, group.last_id, entries_read, group.pending.len())?;
        for pending in &group.pending {
            writer.pending(pending.id, pending.delivered_ms, pending.deliveries)?;
        }
        writer.consumers(group.consumers.len())?;
        for (index, consumer) in group.consumers.iter().enumerate() {
            let own = || group.pending.iter().filter(|pending| pending.consumer == index);
            writer.consumer(&consumer.name, consumer.seen_ms, consumer.active_ms, own().count())?;
            for pending in own() {
                writer.consumer_pending(pending.id)?;
            }
        }
    }
    Ok(())
}

/// The value without what may differ in form.
fn content(value: Value) -> Value {
    match value {
        Value::String(string) => Value::String(StringValue::Bytes(string.into_bytes())),
        Value::List(list) => Value::List(ListValue { has_nodes: true, ..list }),
        Value::Stream(mut stream) => {
            for group in &mut stream.groups {
                if group.entries_read == EntriesRead::Untold {
                    group.entries_read = EntriesRead::Unknown;
                }
            }
            Value::Stream(stream)
        }
        other => other,
    }
}

/// Decompresses `bytes` (the first four give the declared size), and compresses and decompresses them.
pub fn lzf(bytes: &[u8]) {
    if let Some((size, tokens)) = bytes.split_first_chunk::<4>() {
        let size = u64::from(u32::from_le_bytes(*size));
        let whole = lastsave_lzf::decompress(tokens, size);
        if let Ok(output) = &whole {
            assert_eq!(output.len() as u64, size);
        }
        let mut output = Vec::new();
        let once = lastsave_lzf::decompress_into(tokens, size as usize, &mut output);
        assert_eq!(once.ok().map(|()| output), whole.ok());
    }
    let mut compressor = Compressor::default();
    for input in [bytes, &bytes[bytes.len() / 2..]] {
        let mut output = Vec::new();
        if compressor.compress(input, input.len(), &mut output) {
            assert!(output.len() <= input.len());
            assert_eq!(lastsave_lzf::decompress(&output, input.len() as u64).as_deref(), Ok(input));
        }
    }
}

/// Checks `bytes` as a file.
pub fn check_file(bytes: &[u8]) {
    let options = CheckOptions { file_name: "fuzz.rdb", now_ms: 0, reader: ReaderOptions::default() };
    let mut lines = 0;
    let summary = check_rdb(bytes, &options, |_| lines += 1);
    assert!(lines >= 5);
    assert!(summary.bytes <= bytes.len() as u64);
}
