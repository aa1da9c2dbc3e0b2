//! A collection with an element that is there twice is passed on, or refused, as the options say.

use lastsave_rdb::{CheckOptions, ErrorKind, Event, Reader, ReaderOptions, check_rdb};

/// A file with one key, which was put together by hand.
fn file(type_byte: u8, value: &[u8]) -> Vec<u8> {
    let mut file = b"REDIS0011".to_vec();
    file.push(type_byte);
    file.extend(b"\x01k");
    file.extend(value);
    file.push(0xff);
    file.extend([0; 8]);
    file
}

/// The bytes of a listpack of short strings, as a string of the file.
fn listpack(elements: &[&str]) -> Vec<u8> {
    let mut body = Vec::new();
    for element in elements {
        body.push(0x80 | element.len() as u8);
        body.extend(element.as_bytes());
        body.push(element.len() as u8 + 1);
    }
    let total = body.len() as u32 + 7;
    let mut bytes = vec![total as u8];
    bytes.extend(total.to_le_bytes());
    bytes.extend((elements.len() as u16).to_le_bytes());
    bytes.extend(body);
    bytes.push(0xff);
    bytes
}

fn has_twice(type_byte: u8, value: &[u8]) -> bool {
    let file = file(type_byte, value);
    let mut reader = Reader::new(&file[..], ReaderOptions::default());
    loop {
        if let Event::Key(record) = reader.next_event().expect("a sound file") {
            return record.value.has_an_element_twice();
        }
    }
}

#[test]
fn they_are_found_in_every_encoding() {
    assert!(!has_twice(4, b"\x02\x01b\x01y\x01a\x01y"));
    assert!(has_twice(4, b"\x02\x01b\x01y\x01b\x01x"));
    assert!(!has_twice(16, &listpack(&["a", "x", "b", "x"])));
    assert!(has_twice(16, &listpack(&["a", "x", "a", "y"])));
    assert!(has_twice(2, b"\x02\x01b\x01b"));
    assert!(has_twice(20, &listpack(&["a", "b", "a"])));
    assert!(has_twice(17, &listpack(&["m", "1", "m", "2"])));
    assert!(!has_twice(1, b"\x02\x01a\x01a"));
}

#[test]
fn the_check_refuses_them_with_the_words_of_redis() {
    for (type_byte, value, text) in [
        (2, b"\x02\x01b\x01b".to_vec(), "Duplicate set members detected"),
        (4, b"\x02\x01b\x01y\x01b\x01x".to_vec(), "Duplicate hash fields detected"),
        (16, listpack(&["a", "x", "a", "y"]), "Hash listpack integrity check failed."),
        (17, listpack(&["m", "1", "m", "2"]), "Zset listpack integrity check failed."),
    ] {
        let options = CheckOptions { file_name: "x", now_ms: 0, reader: ReaderOptions::default() };
        let mut report = String::new();
        let summary = check_rdb(&file(type_byte, &value)[..], &options, |line| {
            report.push_str(&String::from_utf8_lossy(line));
        });
        assert!(report.contains(text), "no {text:?} in {report}");
        let error = summary.error.expect("it is refused");
        assert!(matches!(error.kind(), ErrorKind::RepeatedElement { .. }));
    }
}
