//! Must fail, within seconds: shows that the fuzzer follows coverage to a fault. Blind guessing would take years.
#![no_main]

use std::hint::black_box;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let fits = |index: usize| black_box(data.get(index)) == Some(&b"lastsave"[index]);
    // One branch per byte, so that each byte that fits is new coverage.
    if fits(0) && fits(1) && fits(2) && fits(3) && fits(4) && fits(5) && fits(6) && fits(7) {
        panic!("the canary was found");
    }
});
