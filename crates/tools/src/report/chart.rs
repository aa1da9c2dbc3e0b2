//! Bars as inline SVG.

use super::page::{bytes, escape};

/// One bar: its name, how long it is, and what stands behind it.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) amount: u64,
    pub(super) note: String,
}

const ROW_HEIGHT: usize = 24;
const NAME_WIDTH: usize = 220;
const BAR_WIDTH: u64 = 420;
const WIDTH: usize = 900;

/// Horizontal bars, one below the other.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    let longest = bars.iter().map(|bar| bar.amount).max().unwrap_or(0).max(1);
    let height = ROW_HEIGHT * bars.len().max(1);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"{}\">\n",
        escape(title)
    );
    for (index, bar) in bars.iter().enumerate() {
        let top = index * ROW_HEIGHT;
        let baseline = top + 16;
        // In 128 bits: amounts are any number of bytes.
        let width = (u128::from(bar.amount) * u128::from(BAR_WIDTH) / u128::from(longest)).max(1);
        let behind = NAME_WIDTH as u128 + width + 8;
        svg.push_str(&format!(
            "<text x=\"{}\" y=\"{baseline}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{NAME_WIDTH}\" y=\"{}\" width=\"{width}\" height=\"{}\" rx=\"2\"/>\
             <text x=\"{behind}\" y=\"{baseline}\" class=\"note\">{}</text>\n",
            NAME_WIDTH - 8,
            escape(&shortened(&bar.name)),
            top + 3,
            ROW_HEIGHT - 6,
            escape(&bar.note)
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

/// A bar for an amount of memory.
pub(super) fn memory_bar(name: impl Into<String>, memory_bytes: u64, keys: u64) -> Bar {
    let note = format!("{}, {keys} keys", bytes(memory_bytes));
    Bar { name: name.into(), amount: memory_bytes, note }
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= 30 {
        return name.to_owned();
    }
    name.chars().take(29).chain(['\u{2026}']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_escaped_and_never_longer_than_the_longest() {
        let svg = bars("a & b", &[memory_bar("<x>", u64::MAX, 1), memory_bar("small", 0, 0)]);
        assert!(svg.contains("&lt;x&gt;") && svg.contains("a &amp; b") && !svg.contains("<x>"));
        assert!(svg.contains(&format!("width=\"{BAR_WIDTH}\"")) && svg.contains("width=\"1\""));
    }
}
