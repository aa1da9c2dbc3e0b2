//! Requests in pieces read like the whole, and survive encoding.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| lastsave_resp::fuzz_entry::request(data));
