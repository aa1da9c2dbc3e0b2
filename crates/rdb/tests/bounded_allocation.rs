//! Damaged input never makes the reader allocate more than the rest of the input can encode: bytes as they are cost as
//! many bytes, and LZF yields at most 88 times what it takes.
//!
//! What is measured is the peak of all memory during a read, which is above any single allocation. The whole file is one
//! test, so that nothing else allocates meanwhile.

#[expect(dead_code, reason = "each test binary uses its own part")]
mod common;

use common::small_fixtures;
use lastsave_rdb::{CheckOptions, DumpOptions, Event, Reader, ReaderOptions, check_rdb, decode_dump};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The read buffer, the error with its place and texts, and the smallest sizes of vectors.
const FIXED_BYTES: usize = 768;
/// The most that LZF can yield for a byte.
const LZF_FACTOR_MAX: usize = 88;
/// Without LZF: a vector that grows is there twice, and packed elements are unpacked from a copy.
const PLAIN_FACTOR_MAX: usize = 3;
/// The first byte of a compressed string.
const LZF_MARK: u8 = 0xc3;
/// What is allocated at first for a long string when the size of the input is not known.
const PIECE_BYTES: usize = 1 << 20;

fn peak_bytes(read: impl FnOnce()) -> usize {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    read();
    HEAP.peak_usage() - before
}

fn read(file: &[u8], total_bytes: Option<u64>) {
    let options =
        ReaderOptions { checksum: false, total_bytes, buffer_bytes: 64, ..ReaderOptions::default() };
    let mut reader = Reader::new(file, options);
    while !matches!(reader.next_event(), Ok(Event::End { .. }) | Err(_)) {}
}

/// What a read of `input` may take.
fn allowed_bytes(input: &[u8]) -> usize {
    let factor = if input.contains(&LZF_MARK) { LZF_FACTOR_MAX } else { PLAIN_FACTOR_MAX };
    FIXED_BYTES + factor * input.len()
}

fn check(what: &str, file: &[u8]) {
    let allowed = allowed_bytes(file);
    let peak = peak_bytes(|| read(file, Some(file.len() as u64)));
    assert!(peak <= allowed, "{what}: {peak} bytes for a file of {}, {allowed} allowed", file.len());
    let peak = peak_bytes(|| read(file, None));
    let allowed = allowed + PIECE_BYTES;
    assert!(peak <= allowed, "{what}: {peak} bytes for a file of unknown size, {allowed} allowed");
}

/// Lengths that no input of ours has, in every form.
fn huge_lengths() -> Vec<Vec<u8>> {
    let mut lengths = vec![vec![0x7f, 0xff]];
    for bits in [16, 20, 23, 31] {
        lengths.push([&[0x80], &(1_u32 << bits).to_be_bytes()[..]].concat());
    }
    for bits in [24, 31, 32, 36, 40, 47, 62, 63] {
        lengths.push([&[0x81], &(1_u64 << bits).to_be_bytes()[..]].concat());
        lengths.push([&[0x81], &((1_u64 << bits) - 1).to_be_bytes()[..]].concat());
    }
    lengths
}

fn damaged_fixtures() {
    let lengths = huge_lengths();
    for (name, bytes) in small_fixtures() {
        for index in 0..bytes.len() {
            check(name, &bytes[..index]);
            for change in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
                let mut damaged = bytes.to_vec();
                damaged[index] ^= change;
                check(name, &damaged);
            }
            for length in &lengths {
                check(name, &[&bytes[..index], length, &bytes[index + 1..]].concat());
            }
        }
    }
}

fn records_of_huge_lengths() {
    for length in huge_lengths() {
        let bodies: [Vec<u8>; 8] = [
            [b"\x00", &length[..], b"key"].concat(),
            [b"\x00\x01k", &length[..], b"value"].concat(),
            [b"\xfa\x01a", &length[..], b"value"].concat(),
            [b"\xf5", &length[..], b"#!lua name=x"].concat(),
            [b"\x00\x01k\xc3\x05", &length[..], b"\x00a\xe0\xff\x00"].concat(),
            [b"\x00\x01k\xc3", &length[..], b"\x05\x00a\xe0\xff\x00"].concat(),
            [b"\x00\x01k\xc3", &length[..], &length[..], b"\x00a\xe0\xff\x00"].concat(),
            [b"\xf7\x01\x02\x01\x05", &length[..], b"x"].concat(),
        ];
        for body in bodies {
            let file = [b"REDIS0011\xfb", &length[..], &length[..], &body[..]].concat();
            check("a record", &file);
            let peak = peak_bytes(|| {
                let reader = ReaderOptions {
                    total_bytes: Some(file.len() as u64),
                    buffer_bytes: 64,
                    ..ReaderOptions::default()
                };
                let options = CheckOptions { file_name: "x", now_ms: 0, reader };
                assert!(!check_rdb(&file[..], &options, |_| {}).is_ok());
            });
            assert!(peak <= allowed_bytes(&file) + FIXED_BYTES, "a check: {peak} bytes");
            let payload = [&body[..], &[0; 10]].concat();
            let options = DumpOptions { checksum: false, ..DumpOptions::default() };
            let peak = peak_bytes(|| drop(decode_dump(&payload, options)));
            assert!(peak <= allowed_bytes(&payload), "a payload: {peak} bytes");
        }
    }
}

#[test]
fn declared_lengths_are_not_believed() {
    let witness = peak_bytes(|| drop(std::hint::black_box(Vec::<u8>::with_capacity(12_345))));
    assert_eq!(witness, 12_345, "an allocation that is never touched is noticed");
    damaged_fixtures();
    records_of_huge_lengths();
}
