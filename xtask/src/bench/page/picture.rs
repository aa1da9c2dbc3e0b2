//! A drawing as a file of its own, for a document that shows it as a picture.

use super::style::{COLOURS, DRAWING};
use super::{Chart, escape};

/// Room above the drawing for its title and what its colours mean.
const HEAD: f64 = 46.0;
/// Width of a letter in the key, roughly: nothing here knows fonts.
const LETTER: f64 = 6.4;

/// An SVG file in light and dark.
pub(in crate::bench) fn picture(chart: &Chart) -> String {
    let (width, height) = chart.size();
    let total = height + HEAD;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {total}\" width=\"{width}\" \
         height=\"{total}\">\n<style>{COLOURS}{DRAWING} .paper {{ fill: var(--paper); }}</style>\n\
         <rect width=\"{width}\" height=\"{total}\" class=\"paper\"/>\n\
         <text x=\"10\" y=\"18\" class=\"title\">{}</text>\n",
        escape(chart.title())
    );
    let mut left = 10.0;
    for (sample, name) in chart.keys() {
        svg.push_str(&format!(
            "<g transform=\"translate({left:.0} 27)\">{sample}<text x=\"27\" y=\"9\">{}</text></g>\n",
            escape(&name)
        ));
        left += 45.0 + LETTER * name.chars().count() as f64;
    }
    if !chart.note().is_empty() {
        svg.push_str(&format!(
            "<text x=\"{left:.0}\" y=\"36\" class=\"note\">{}</text>\n",
            escape(chart.note())
        ));
    }
    let placed = format!("<svg y=\"{HEAD}\" width=\"{width}\" height=\"{height}\" ");
    svg.push_str(&chart.svg().replacen("<svg ", &placed, 1));
    svg.push_str("</svg>\n");
    svg
}

/// A file name made of the title.
pub(in crate::bench) fn file_name(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    format!("{}.svg", words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-"))
}

#[cfg(test)]
mod tests {
    use super::super::BarChart;
    use super::*;

    #[test]
    fn pictures_have_a_title_a_key_and_the_drawing() {
        let medians = [("always".to_owned(), "ours", 10.0)];
        let chart = Chart::Bars(BarChart::of_medians("A & b", "more is better", &["ours"], &medians));
        let svg = picture(&chart);
        for part in ["A &amp; b", ">ours</text>", "more is better", ">always</text>"] {
            assert!(svg.contains(part), "{part} is missing in {svg}");
        }
        assert_eq!(svg.matches("<svg ").count(), svg.matches("</svg>").count());
    }

    #[test]
    fn file_names_are_plain() {
        assert_eq!(file_name("Latency over time: rdb, a/b#2"), "latency-over-time-rdb-a-b-2.svg");
    }
}
