//! Arbitrary bytes as an RDB file: read without panic, and what is read can be written again.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_rdb::fuzzing::read_file(data));
