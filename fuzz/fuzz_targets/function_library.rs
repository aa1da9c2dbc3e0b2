//! Arbitrary bytes as the text of a function library.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_commands::fuzzing::function_library(data));
