//! A length that the input cannot hold is never allocated.
//!
//! The measure is the peak of the process' address space, which counts an allocation whether or not it is touched; the
//! whole file is one test, so that nothing else runs in the process. (A counting allocator would need `unsafe`.)
#![expect(clippy::disallowed_methods, reason = "reads what the kernel knows about this process")]

use lastsave_rdb::{CheckOptions, DumpOptions, Reader, ReaderOptions, check_rdb, decode_dump};

/// What a read may take besides what its input justifies: buffers, and what the allocator keeps ready.
const ALLOWED_KIB: u64 = 4 * 1024;

/// A line of what the kernel tells about this process, in KiB; nothing where it does not tell.
fn status_kib(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Peak of the address space.
fn peak_kib() -> Option<u64> {
    status_kib("VmPeak:")
}

/// Lengths in every form, from 8 MiB on.
fn lengths() -> Vec<Vec<u8>> {
    let mut lengths = Vec::new();
    for bits in 23..32 {
        lengths.push([&[0x80], &(1_u32 << bits).to_be_bytes()[..]].concat());
    }
    for bits in [24, 31, 32, 36, 40, 47, 62, 63] {
        lengths.push([&[0x81], &(1_u64 << bits).to_be_bytes()[..]].concat());
        lengths.push([&[0x81], &((1_u64 << bits) - 1).to_be_bytes()[..]].concat());
    }
    lengths
}

#[test]
fn declared_lengths_are_not_believed() {
    let Some(peak) = peak_kib() else {
        eprintln!("SKIPPED: the kernel does not tell the peak of the address space");
        return;
    };
    // The process has been larger than it is now; filled up to its peak, every further mapping shows in it.
    let slack_kib = peak - status_kib("VmSize:").unwrap();
    let filler: Vec<u8> = Vec::with_capacity((slack_kib as usize) << 10);
    let witness: Vec<u8> = Vec::with_capacity(8 << 20);
    let before = peak_kib().unwrap();
    assert!(before >= peak + 8 * 1000, "an allocation that is never touched must be noticed");
    let ceiling = |what: &str| {
        let peak = peak_kib().unwrap();
        assert!(peak <= before + ALLOWED_KIB, "{what}: {} KiB allocated", peak - before);
    };
    for length in lengths() {
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
            for total_bytes in [None, Some(file.len() as u64)] {
                let options = ReaderOptions { total_bytes, ..ReaderOptions::default() };
                let mut reader = Reader::new(&file[..], options);
                while reader.next_event().is_ok() {}
                let options = CheckOptions { file_name: "x", now_ms: 0, reader: options };
                assert!(!check_rdb(&file[..], &options, |_| {}).is_ok());
            }
            ceiling("a file");
            let mut payload = body.clone();
            payload.extend_from_slice(&[0; 10]);
            let _ = decode_dump(&payload, DumpOptions { checksum: false, ..DumpOptions::default() });
            ceiling("a payload");
        }
    }
    drop(std::hint::black_box((filler, witness)));
}
