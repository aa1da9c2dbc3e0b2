//! Arbitrary text as a manifest; what parses is written and parsed again to the same.
#![no_main]

use lastsave_aof::Manifest;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    // A file of comments alone lists nothing, and nothing is what is never written.
    if let Ok(manifest) = Manifest::parse(data)
        && !manifest.is_empty()
    {
        let again = Manifest::parse(&manifest.to_text()).expect("what was written parses");
        assert_eq!(manifest, again);
    }
});
