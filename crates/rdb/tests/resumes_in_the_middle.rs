//! A reader can begin at any record of a file, as whoever salvages a damaged one has to.

use lastsave_rdb::{
    ChecksumStatus, Event, KeyMetadata, Reader, ReaderOptions, StringRef, Writer, WriterOptions,
};

#[test]
fn every_record_is_found_again_from_its_own_offset() {
    let mut writer = Writer::bare(Vec::new(), WriterOptions::default()).expect("a vector takes everything");
    writer.select_database(3).expect("a vector takes everything");
    for number in 0..50_i64 {
        let metadata = KeyMetadata {
            expires_at_ms: (number % 2 == 0).then_some(number * 1000),
            ..KeyMetadata::default()
        };
        let value = "v".repeat(number as usize * 3);
        let key = format!("key:{number}");
        writer
            .string(key.as_bytes(), StringRef::Bytes(value.as_bytes()), &metadata)
            .expect("a vector takes everything");
    }
    let file = writer.finish().expect("a vector takes everything").inner;

    let options = ReaderOptions { total_bytes: Some(file.len() as u64), ..ReaderOptions::default() };
    let mut reader = Reader::new(&file[..], options);
    let Event::Version(version) = reader.next_event().expect("a sound file") else { panic!("no version") };
    let mut keys = Vec::new();
    loop {
        match reader.next_event().expect("a sound file") {
            Event::Key(record) => keys.push(record),
            Event::End { .. } => break,
            _ => {}
        }
    }
    for (index, expected) in keys.iter().enumerate() {
        let mut resumed =
            Reader::resume(&file[expected.offset as usize..], version, expected.offset, options);
        for key in &keys[index..] {
            assert_eq!(resumed.next_event().expect("a sound file"), Event::Key(key.clone()));
            assert_eq!(resumed.offset(), key.end_offset);
        }
        let Event::End { checksum: ChecksumStatus::Skipped(_) } = resumed.next_event().expect("a sound file")
        else {
            panic!("a checksum was compared with half a file")
        };
        assert_eq!(resumed.offset(), file.len() as u64);
    }
}
