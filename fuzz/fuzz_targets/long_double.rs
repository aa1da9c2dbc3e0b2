//! The 80-bit arithmetic of INCRBYFLOAT.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_commands::fuzzing::long_double(data));
