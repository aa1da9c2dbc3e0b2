//! Glob patterns end, however they are nested.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_commands::fuzzing::glob(data));
