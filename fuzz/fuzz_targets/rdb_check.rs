//! Arbitrary bytes under the RDB checker.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_rdb::fuzzing::check_file(data));
