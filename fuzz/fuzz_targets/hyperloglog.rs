//! Any string is a HyperLogLog or is refused, and sound registers can be changed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_commands::fuzzing::hyperloglog(data));
