//! `docs/configuration.md` says what the table says.

#![expect(clippy::disallowed_methods, reason = "tests set the scene on the real disk")]

use lastsave_config::configuration_page;

#[test]
fn the_manual_matches_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == configuration_page(),
        "docs/configuration.md is out of date; run: \
         cargo run -p lastsave-config --example configuration_page > docs/configuration.md"
    );
}
