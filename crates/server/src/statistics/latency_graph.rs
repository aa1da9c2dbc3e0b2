//! A graph of the samples of one event, in plain characters.

use super::latency_events::Series;

/// Columns of a row, the newest samples are shown.
const COLUMNS: usize = 80;
/// Heights a column can have.
const ROWS: u64 = 4;

/// The graph, with the age of each sample written from top to bottom below its column.
pub(crate) fn draw(event: &str, series: &Series, now_seconds: i64) -> String {
    let samples: Vec<_> = series.samples().collect();
    let shown = &samples[samples.len().saturating_sub(COLUMNS)..];
    let high = shown.iter().map(|sample| sample.latency_ms).max().unwrap_or(0);
    let low = shown.iter().map(|sample| sample.latency_ms).min().unwrap_or(0);
    let mut text = format!(
        "{event} - high {high} ms, low {low} ms (all time high {} ms)\n{}\n",
        series.latency_ms_max,
        "-".repeat(COLUMNS)
    );
    for row in (1..=ROWS).rev() {
        let column = |latency_ms: u64| match height(latency_ms, low, high) {
            height if height > row => '|',
            height if height == row => '#',
            _ if row == 1 => '_',
            _ => ' ',
        };
        push_line(&mut text, shown.iter().map(|sample| column(sample.latency_ms)));
    }
    text.push('\n');
    let labels: Vec<String> =
        shown.iter().map(|sample| age(now_seconds.saturating_sub(sample.unix_seconds))).collect();
    for line in 0..labels.iter().map(String::len).max().unwrap_or(0) {
        push_line(&mut text, labels.iter().map(|label| label.chars().nth(line).unwrap_or(' ')));
    }
    text
}

/// How high the column of a latency is.
fn height(latency_ms: u64, low: u64, high: u64) -> u64 {
    if high == low { 1 } else { (latency_ms - low) * ROWS / (high - low) }
}

fn push_line(text: &mut String, characters: impl Iterator<Item = char>) {
    let start = text.len();
    text.extend(characters);
    text.truncate(start + text[start..].trim_end().len());
    text.push('\n');
}

/// How long ago something was, in its biggest unit.
fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::super::latency_events::LatencyEvents;
    use super::*;

    #[test]
    fn columns_are_as_high_as_their_samples() {
        let mut events = LatencyEvents::default();
        for (second, latency) in [(0, 100), (70, 300), (99, 500)] {
            events.add("command", second, latency);
        }
        let (name, series) = events.get(b"command").expect("there are samples");
        let graph = draw(name, series, 100);
        let expected = format!(
            "command - high 500 ms, low 100 ms (all time high 500 ms)\n{}\n  #\n  |\n #|\n_||\n\n131\nm0s\n s\n",
            "-".repeat(80)
        );
        assert_eq!(graph, expected);
    }
}
