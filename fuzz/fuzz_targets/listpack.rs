//! Arbitrary bytes as a listpack: refused, or good for everything.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_listpack::fuzzing::listpack(data));
