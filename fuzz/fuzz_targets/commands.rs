//! Streams of requests executed on a keyspace.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_commands::fuzzing::requests(data));
