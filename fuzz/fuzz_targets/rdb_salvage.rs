//! Arbitrary bytes under the salvage of snapshots: what it writes is a valid file with the keys it claims.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // Every place of a large input is tried; small ones show the same faults sooner.
    if data.len() <= 4096 {
        let _ = lastsave_tools::salvage_bytes(data);
    }
});
