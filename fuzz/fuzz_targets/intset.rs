//! Arbitrary bytes as an intset: refused, or good for everything.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_listpack::fuzzing::intset(data));
