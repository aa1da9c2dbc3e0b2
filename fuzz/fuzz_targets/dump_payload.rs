//! Arbitrary bytes as a DUMP payload.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_rdb::fuzzing::decode_payload(data));
