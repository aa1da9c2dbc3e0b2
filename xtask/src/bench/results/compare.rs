//! What a change did: the results of an earlier run beside those of this one.

use serde_json::Value;

use super::measurements::{Better, Measurements, Row};
use super::statistics::{are_apart, median};
use super::table::Table;

/// Without at least two rounds on one side, less than this share of change is called noise.
const CHANGE_MIN: f64 = 0.1;

/// A table of what differs from `old`, the JSON of an earlier run, and how many values do not.
///
/// When `yardstick`, a server that was not changed, was measured both times, a column says how much of the difference is
/// left beside it: the machine may have been busier one time than the other.
pub(in crate::bench) fn compare(
    old: &Value,
    new: &[&Measurements],
    yardstick: Option<&str>,
) -> (Table, usize) {
    let beside = yardstick.map(|name| format!("ratio beside {name}"));
    let mut headings = vec!["table", "what", "server", "metric", "before", "now", "ratio"];
    headings.extend(beside.as_deref());
    headings.push("verdict");
    let mut table = Table::new(&headings);
    let mut same = 0;
    for measurements in new {
        for row in &measurements.rows {
            let Some(old_row) = find(old, measurements.name, row) else { continue };
            for (metric, values) in measurements.metrics.iter().zip(&row.values) {
                let before = rounds(old_row, metric.key);
                if before.is_empty() || values.is_empty() {
                    continue;
                }
                let (was, is) = (median(before.clone()), median(values.clone()));
                let verdict = verdict(&before, values, metric.better);
                if verdict == Verdict::Same {
                    same += 1;
                    continue;
                }
                let ratio = if was == 0.0 { f64::NAN } else { is / was };
                let beside = yardstick.map(|yardstick| {
                    let reference = measurements.rows.iter().find(|other| {
                        other.server == yardstick && other.labels == row.labels && row.server != yardstick
                    });
                    let change = reference.and_then(|reference| {
                        let was = rounds(find(old, measurements.name, reference)?, metric.key);
                        let is = measurements.median_of_row(reference, metric.key)?;
                        (!was.is_empty()).then(|| is / median(was))
                    });
                    two_digits(change.map_or(f64::NAN, |change| ratio / change))
                });
                let mut cells = vec![
                    measurements.name.to_owned(),
                    row.label_text(),
                    row.server.clone(),
                    metric.key.to_owned(),
                    metric.format(was),
                    metric.format(is),
                    two_digits(ratio),
                ];
                cells.extend(beside);
                cells.push(verdict.text().to_owned());
                table.row(cells);
            }
        }
    }
    (table, same)
}

/// A ratio, or a dash where there is none.
fn two_digits(ratio: f64) -> String {
    if ratio.is_finite() { format!("{ratio:.2}") } else { "-".to_owned() }
}

/// What all rounds of an earlier run measured; nothing if that was not measured.
fn rounds(row: &Value, key: &str) -> Vec<f64> {
    let rounds = row["metrics"][key]["rounds"].as_array();
    rounds.map(|rounds| rounds.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
}

/// The row of an earlier run about the same thing on the same server.
fn find<'a>(old: &'a Value, name: &str, row: &Row) -> Option<&'a Value> {
    let tables = old["tables"].as_array()?;
    let table = tables.iter().find(|table| table["name"] == name)?;
    table["rows"].as_array()?.iter().find(|candidate| {
        let labels = candidate["labels"].as_object();
        candidate["server"] == row.server.as_str()
            && labels.is_some_and(|labels| {
                labels.len() == row.labels.len()
                    && row
                        .labels
                        .iter()
                        .all(|(name, value)| labels.get(*name).is_some_and(|old| old == value))
            })
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// No more than rounds differ among themselves.
    Same,
    Better,
    Worse,
    /// Of something that is neither good nor bad.
    Different,
}

impl Verdict {
    fn text(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Worse => "WORSE",
            Self::Different => "different",
        }
    }
}

fn verdict(before: &[f64], now: &[f64], better: Better) -> Verdict {
    let (was, is) = (median(before.to_vec()), median(now.to_vec()));
    let has_spread = before.len() > 1 || now.len() > 1;
    let is_small = (is - was).abs() <= CHANGE_MIN * was.abs().max(is.abs());
    if !are_apart(before, now) || (!has_spread && is_small) {
        return Verdict::Same;
    }
    match (better, is < was) {
        (Better::Neither, _) => Verdict::Different,
        (Better::Lower, true) | (Better::Higher, false) => Verdict::Better,
        (Better::Lower, false) | (Better::Higher, true) => Verdict::Worse,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::measurements::tests::{METRICS, sample};
    use super::*;

    #[test]
    fn verdicts_know_which_way_is_good_and_what_is_noise() {
        assert_eq!(verdict(&[1.0, 2.0], &[3.0, 4.0], Better::Lower), Verdict::Worse);
        assert_eq!(verdict(&[1.0, 2.0], &[3.0, 4.0], Better::Neither), Verdict::Different);
        assert_eq!(verdict(&[1.0, 3.5], &[3.0, 4.0], Better::Lower), Verdict::Same);
        assert_eq!(verdict(&[100.0], &[95.0], Better::Higher), Verdict::Same);
        assert_eq!(verdict(&[100.0], &[80.0], Better::Lower), Verdict::Better);
        // "Higher is better" and it fell.
        assert_eq!(verdict(&[100.0], &[80.0], Better::Higher), Verdict::Worse);
    }

    #[test]
    fn an_earlier_run_is_found_by_what_was_measured() {
        let old = json!({ "tables": [sample().to_json()] });
        let mut new = Measurements::new("policies", METRICS);
        for round in 0..3 {
            new.record(&[("policy", "always")], "ours", [Some(f64::from(300 + round)), Some(1.5)]);
            new.record(&[("policy", "never seen")], "ours", [Some(1.0), Some(1.0)]);
        }
        let (table, same) = compare(&old, &[&new], None);
        let text = table.to_string();
        assert_eq!((text.lines().count(), same), (3, 1), "{text}");
        assert!(text.contains("202") && text.contains("301") && text.contains("better"), "{text}");
    }

    #[test]
    fn a_busier_machine_is_seen_by_the_server_that_did_not_change() {
        let old = json!({ "tables": [sample().to_json()] });
        let mut new = Measurements::new("policies", METRICS);
        // Redis is at half of what it was, and we are too: nothing happened to us.
        new.record(&[("policy", "always")], "ours", [Some(101.0), None]);
        new.record(&[("policy", "always")], "redis", [Some(50.5), None]);
        let (table, _) = compare(&old, &[&new], Some("redis"));
        assert_eq!(table.rows()[0][4..], ["202", "101", "0.50", "1.00", "WORSE"]);
        assert_eq!(table.rows()[1][4..], ["101", "50", "0.50", "-", "WORSE"]);
    }
}
