//! The results as a page: one file that needs nothing else, with drawings as inline SVG, readable in light and dark.

mod axis;
mod bars;
mod html;
mod lines;
mod picture;
mod style;

pub(super) use axis::{Axis, Scale};
pub(super) use bars::BarChart;
pub(super) use html::html;
pub(super) use lines::{Band, LineChart, Series, Weight};
pub(super) use picture::{file_name, picture};

use serde_json::{Value, json};

/// A drawing.
pub(super) enum Chart {
    Bars(BarChart),
    Lines(LineChart),
}

impl Chart {
    pub(super) fn title(&self) -> &str {
        match self {
            Self::Bars(chart) => &chart.title,
            Self::Lines(chart) => &chart.title,
        }
    }

    fn note(&self) -> &str {
        match self {
            Self::Bars(chart) => &chart.note,
            Self::Lines(chart) => &chart.note,
        }
    }

    /// Width and height of the drawing.
    fn size(&self) -> (f64, f64) {
        match self {
            Self::Bars(chart) => chart.size(),
            Self::Lines(_) => LineChart::SIZE,
        }
    }

    /// What colours and lines mean: a sample of 22 by 10, and its name.
    fn keys(&self) -> Vec<(String, String)> {
        match self {
            Self::Bars(chart) => chart.keys(),
            Self::Lines(chart) => chart.keys(),
        }
    }

    fn svg(&self) -> String {
        match self {
            Self::Bars(chart) => chart.svg(),
            Self::Lines(chart) => chart.svg(),
        }
    }

    /// What is drawn, for programs that draw it again; `None` of bars, whose values are in the tables.
    pub(super) fn to_json(&self) -> Option<Value> {
        let Self::Lines(chart) = self else { return None };
        // Four digits are more than anybody sees.
        let rounded = |value: f64| format!("{value:.4}").parse::<f64>().unwrap_or(value);
        let pairs = |pairs: &[(f64, f64)]| -> Value {
            pairs.iter().map(|(x, y)| json!([rounded(*x), rounded(*y)])).collect()
        };
        let series = chart.series.iter();
        let bands = chart.bands.iter();
        Some(json!({
            "title": chart.title,
            "x": chart.x.title,
            "y": chart.y.title,
            "series": series.map(|line| json!({ "name": line.name, "points": pairs(&line.points) })).collect::<Value>(),
            "bands": bands.map(|band| json!({ "name": band.name, "start": band.start, "end": band.end })).collect::<Value>(),
            "syncs": pairs(&chart.strip),
        }))
    }
}

/// Text that stands for itself in HTML.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A number for people: three digits that count, and k or M for thousands and millions.
fn short_number(value: f64) -> String {
    let (value, unit) = match value.abs() {
        size if size >= 1e9 => (value / 1e9, "G"),
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        size if size >= 100.0 || size == 0.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases =
            [(0.0, "0"), (0.05, "0.05"), (1.5, "1.5"), (123.4, "123"), (12_345.0, "12.3k"), (2e6, "2M")];
        for (value, text) in cases {
            assert_eq!(short_number(value), text);
        }
    }

    #[test]
    fn nothing_escapes() {
        assert_eq!(escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
    }
}
