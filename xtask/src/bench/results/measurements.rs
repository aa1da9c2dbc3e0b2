//! Rows of a table: what was measured, on which server, round by round.

use serde_json::{Map, Value, json};

use super::statistics::{median, range};
use super::table::Table;

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Better {
    Lower,
    Higher,
    /// It only describes.
    Neither,
}

/// Something that is measured.
#[derive(Debug)]
pub(in crate::bench) struct Metric {
    /// In JSON.
    pub(in crate::bench) key: &'static str,
    /// In tables, with its unit.
    pub(in crate::bench) title: &'static str,
    pub(in crate::bench) better: Better,
    /// Digits after the decimal point.
    pub(in crate::bench) digits: usize,
}

impl Metric {
    pub(in crate::bench) const fn new(
        key: &'static str,
        title: &'static str,
        better: Better,
        digits: usize,
    ) -> Self {
        Self { key, title, better, digits }
    }

    pub(super) fn format(&self, value: f64) -> String {
        format!("{value:.*}", self.digits)
    }
}

/// What a row is about: names and values, such as `policy` and `everysec`.
pub(in crate::bench) type Labels = Vec<(&'static str, String)>;

/// One thing on one server.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) labels: Labels,
    pub(super) server: String,
    /// Values of all rounds, per metric; none where the server does not tell.
    pub(super) values: Vec<Vec<f64>>,
}

/// Rows with the same metrics.
#[derive(Debug)]
pub(in crate::bench) struct Measurements {
    pub(super) name: &'static str,
    pub(super) metrics: &'static [Metric],
    pub(super) rows: Vec<Row>,
}

impl Measurements {
    pub(in crate::bench) fn new(name: &'static str, metrics: &'static [Metric]) -> Self {
        Self { name, metrics, rows: Vec::new() }
    }

    /// Adds a round. `values` are in the order of the metrics.
    pub(in crate::bench) fn record<const N: usize>(
        &mut self,
        labels: &[(&'static str, &str)],
        server: &str,
        values: [Option<f64>; N],
    ) {
        assert_eq!(N, self.metrics.len(), "{}: a value for each metric", self.name);
        let known = self.rows.iter().position(|row| row.is_about(labels, server));
        let index = known.unwrap_or_else(|| {
            self.rows.push(Row {
                labels: labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
                server: server.to_owned(),
                values: vec![Vec::new(); N],
            });
            self.rows.len() - 1
        });
        for (all, value) in self.rows[index].values.iter_mut().zip(values) {
            // What is not a number, such as 0 / 0, is nothing that was measured.
            all.extend(value.filter(|value| value.is_finite()));
        }
    }

    /// Values of a metric for every label set: the label's values joined, the server, the median.
    pub(in crate::bench) fn medians(&self, key: &str) -> Vec<(String, &str, f64)> {
        let Some(index) = self.metrics.iter().position(|metric| metric.key == key) else { return Vec::new() };
        let rows = self.rows.iter().filter(|row| !row.values[index].is_empty());
        rows.map(|row| (row.label_text(), row.server.as_str(), median(row.values[index].clone()))).collect()
    }

    /// The median of one metric of one row.
    pub(in crate::bench) fn median_of(
        &self,
        labels: &[(&'static str, &str)],
        server: &str,
        key: &str,
    ) -> Option<f64> {
        self.median_of_row(self.rows.iter().find(|row| row.is_about(labels, server))?, key)
    }

    pub(super) fn median_of_row(&self, row: &Row, key: &str) -> Option<f64> {
        let index = self.metrics.iter().position(|metric| metric.key == key)?;
        let values = &row.values[index];
        (!values.is_empty()).then(|| median(values.clone()))
    }

    /// Medians as a table. Rows of one thing stand together: the servers, then their ratios.
    pub(in crate::bench) fn table(&self) -> Table {
        let Some(first) = self.rows.first() else { return Table::new(&[]) };
        let shown: Vec<usize> = (0..self.metrics.len())
            .filter(|index| self.rows.iter().any(|row| !row.values[*index].is_empty()))
            .collect();
        let mut headings: Vec<&str> = first.labels.iter().map(|(name, _)| *name).collect();
        headings.push("server");
        headings.extend(shown.iter().map(|index| self.metrics[*index].title));
        let mut table = Table::new(&headings);
        let mut done: Vec<&Labels> = Vec::new();
        for row in &self.rows {
            if done.contains(&&row.labels) {
                continue;
            }
            done.push(&row.labels);
            let group: Vec<&Row> = self.rows.iter().filter(|other| other.labels == row.labels).collect();
            for member in &group {
                let cells = shown.iter().map(|index| {
                    let values = &member.values[*index];
                    if values.is_empty() {
                        "-".to_owned()
                    } else {
                        self.metrics[*index].format(median(values.clone()))
                    }
                });
                table.row(member.first_cells(&member.server).into_iter().chain(cells).collect());
            }
            for other in &group[1..] {
                let cells = shown.iter().map(|index| self.ratio(*index, group[0], other));
                let title = format!("ratio to {}", other.server);
                table.row(row.first_cells(&title).into_iter().chain(cells).collect());
            }
        }
        table
    }

    fn ratio(&self, index: usize, ours: &Row, other: &Row) -> String {
        let (ours, other) = (&ours.values[index], &other.values[index]);
        if ours.is_empty() || other.is_empty() {
            return "-".to_owned();
        }
        let (ours, other) = (median(ours.clone()), median(other.clone()));
        if other == 0.0 { "-".to_owned() } else { format!("{:.2}", ours / other) }
    }

    pub(super) fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| {
            let labels: Map<String, Value> =
                row.labels.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            let metrics: Map<String, Value> = self
                .metrics
                .iter()
                .zip(&row.values)
                .filter_map(|(metric, values)| {
                    let (low, high) = range(values)?;
                    let value =
                        json!({ "median": median(values.clone()), "low": low, "high": high, "rounds": values });
                    Some((metric.key.to_owned(), value))
                })
                .collect();
            json!({ "labels": labels, "server": row.server, "metrics": metrics })
        });
        json!({ "name": self.name, "rows": rows.collect::<Vec<_>>() })
    }
}

impl Row {
    fn is_about(&self, labels: &[(&'static str, &str)], server: &str) -> bool {
        let own = self.labels.iter().map(|(name, value)| (*name, value.as_str()));
        self.server == server && own.eq(labels.iter().copied())
    }

    pub(super) fn label_text(&self) -> String {
        self.labels.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn first_cells(&self, last: &str) -> Vec<String> {
        self.labels.iter().map(|(_, value)| value.clone()).chain([last.to_owned()]).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::bench::results) const METRICS: &[Metric] = &[
        Metric::new("per_second", "commands/s", Better::Higher, 0),
        Metric::new("p99_ms", "p99 ms", Better::Lower, 2),
    ];

    pub(in crate::bench::results) fn sample() -> Measurements {
        let mut measurements = Measurements::new("policies", METRICS);
        for round in 0..3 {
            let speed = f64::from(100 + round);
            measurements.record(&[("policy", "always")], "ours", [Some(2.0 * speed), Some(1.5)]);
            measurements.record(&[("policy", "always")], "redis", [Some(speed), None]);
        }
        measurements
    }

    #[test]
    fn rounds_come_together_and_ratios_are_of_medians() {
        let text = sample().table().to_string();
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
        assert_eq!(lines[0][1..5], ["policy", "server", "commands/s", "p99 ms"]);
        assert_eq!(lines[2][1..5], ["always", "ours", "202", "1.50"]);
        assert_eq!(lines[3][1..5], ["always", "redis", "101", "-"]);
        assert_eq!(lines[4][1..5], ["always", "ratio to redis", "2.00", "-"]);
        assert_eq!(lines.len(), 5);
    }

    #[test]
    fn json_has_every_round() {
        let json = sample().to_json();
        let row = &json["rows"][0];
        assert_eq!(row["labels"]["policy"], "always");
        assert_eq!(row["metrics"]["per_second"]["rounds"], json!([200.0, 202.0, 204.0]));
        assert_eq!(row["metrics"]["per_second"]["median"], json!(202.0));
        assert!(json["rows"][1]["metrics"]["p99_ms"].is_null());
    }
}
