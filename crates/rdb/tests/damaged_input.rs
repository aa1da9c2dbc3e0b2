//! Damage is always noticed, never a panic, and never gives wrong data.

#[expect(dead_code, reason = "each test binary uses its own part")]
mod common;

use common::{fixture, read_events, rows, small_fixtures};
use lastsave_rdb::{ErrorKind, Event, ReaderOptions, fuzzing};

/// The fixtures whose checksum covers them.
fn protected() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    small_fixtures().filter(|(name, _)| *name != "no-checksum")
}

fn options(bytes: &[u8], known_size: bool) -> ReaderOptions {
    ReaderOptions {
        total_bytes: known_size.then_some(bytes.len() as u64),
        buffer_bytes: if known_size { 1 << 16 } else { 64 },
        ..ReaderOptions::default()
    }
}

#[test]
fn every_cut_is_a_short_read_at_its_place() {
    for (name, bytes) in small_fixtures() {
        let (whole, whole_error) = read_events(bytes, ReaderOptions::default());
        for cut in 0..bytes.len() {
            for known_size in [false, true] {
                let input = &bytes[..cut];
                let (events, error) = read_events(input, options(input, known_size));
                let error = error.unwrap_or_else(|| panic!("{name} cut to {cut} is accepted"));
                if whole_error.as_ref() == Some(&error) {
                    continue;
                }
                assert!(
                    matches!(error.kind(), ErrorKind::UnexpectedEnd { .. }),
                    "{name} cut to {cut}: {error}"
                );
                assert!(error.offset() <= cut as u64 && error.record_offset() <= error.offset());
                // What came before the cut is what comes from the whole file.
                assert_eq!(events, whole[..events.len()]);
            }
        }
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    for (name, bytes) in protected() {
        let (expected, _) = read_events(bytes, ReaderOptions::default());
        for index in 0..bytes.len() {
            for change in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
                let mut damaged = bytes.to_vec();
                damaged[index] ^= change;
                for known_size in [false, true] {
                    let (events, error) = read_events(&damaged, options(&damaged, known_size));
                    if error.is_none() {
                        // Only the digits of the version may change unnoticed: an old version has no checksum. The
                        // data is then the same.
                        assert!((5..9).contains(&index), "{name}: byte {index} ^ {change:#x} is accepted");
                        assert_eq!(rows(&events), rows(&expected));
                    }
                }
            }
        }
    }
}

#[test]
fn unprotected_damage_does_not_panic() {
    for (_, bytes) in small_fixtures() {
        for index in 0..bytes.len() {
            for change in (1..=255).step_by(3) {
                let mut damaged = bytes.to_vec();
                damaged[index] ^= change;
                let unchecked = ReaderOptions { checksum: false, ..options(&damaged, true) };
                let (events, _) = read_events(&damaged, unchecked);
                assert!(matches!(events.first(), Some(Event::Version(_)) | None));
            }
        }
    }
}

#[test]
fn the_fuzz_entries_hold_on_damaged_files() {
    for name in ["strings", "expires", "databases", "functions"] {
        let bytes = fixture(name);
        for index in (0..bytes.len()).step_by(3) {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.to_vec();
                damaged[index] ^= change;
                fuzzing::read_file(&damaged);
                fuzzing::check_file(&damaged);
                fuzzing::lzf(&damaged[index..]);
                fuzzing::decode_payload(&damaged[index..]);
            }
        }
    }
}

mod arbitrary {
    use lastsave_rdb::fuzzing;
    use proptest::prelude::*;

    /// Bytes in which opcodes, lengths and string marks are common.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            3 => 0..8_u8,
            2 => 0xf2..=0xff_u8,
            1 => 0x80..=0x82_u8,
            1 => 0xc0..=0xc4_u8,
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..200)
    }

    proptest! {
        #[test]
        fn bytes_after_a_magic_keep_every_promise(body in bytes(), version in 1..13_u8) {
            let file = [format!("REDIS{version:04}").as_bytes(), &body].concat();
            fuzzing::read_file(&file);
            fuzzing::check_file(&file);
        }

        #[test]
        fn payloads_and_tokens_keep_every_promise(body in bytes()) {
            fuzzing::decode_payload(&body);
            fuzzing::lzf(&body);
            fuzzing::check_file(&body);
        }
    }
}
