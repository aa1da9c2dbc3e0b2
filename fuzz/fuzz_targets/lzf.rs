//! LZF in both directions: hostile tokens are refused, what is compressed comes back.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_rdb::fuzzing::lzf(data));
