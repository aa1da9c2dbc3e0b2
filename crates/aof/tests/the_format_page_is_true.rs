//! The format page and the code say the same: widths, and a test for every row of the decision table.

use lastsave_aof::{LONG_FRAME_BYTES, LoadOptions, SHORT_FRAME_BYTES};

const PAGE: &str = include_str!("../../../docs/formats/aof.md");
const TESTS: &str = include_str!("damage_is_judged_by_the_table.rs");
const JUDGE: &str = include_str!("../src/loader/judge.rs");

#[test]
fn widths() {
    assert!(PAGE.contains(&format!("Short frame, {SHORT_FRAME_BYTES} bytes")));
    assert!(PAGE.contains(&format!("Long frame, {LONG_FRAME_BYTES} bytes")));
    let window = LoadOptions::default().sync_window_bytes >> 20;
    assert!(PAGE.contains(&format!("({window} MiB)")));
}

#[test]
fn every_row_has_a_test() {
    let table = PAGE.split("## Judging damage").nth(1).unwrap_or_default();
    let rows: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
        .filter(|label| label.len() == 2 && label.ends_with(|last: char| last.is_ascii_digit()))
        .collect();
    assert_eq!(rows.len(), 20, "{rows:?}");
    for row in rows {
        let name = format!("row_{}", row.to_lowercase());
        let is_tested = TESTS.contains(&name) || TESTS.contains(&format!("_{}_", row.to_lowercase()));
        assert!(
            is_tested || TESTS.contains(&format!("row {row}")) || TESTS.contains(&format!(" {row}\"")),
            "{row}"
        );
        if row.starts_with('F') && row != "F7" || row.starts_with('H') || row.starts_with('R') {
            assert!(JUDGE.contains(row), "the code names {row}");
        }
    }
}
