//! Bars as inline SVG: groups of them, one bar for each server.

use super::{escape, short_number};

/// Horizontal bars, group below group.
pub(in crate::bench) struct BarChart {
    pub(in crate::bench) title: String,
    /// What the lengths mean, and which way is good.
    pub(in crate::bench) note: String,
    /// What the colours mean.
    pub(in crate::bench) series: Vec<String>,
    pub(in crate::bench) groups: Vec<BarGroup>,
}

/// Bars that belong together.
pub(in crate::bench) struct BarGroup {
    pub(in crate::bench) name: String,
    pub(in crate::bench) bars: Vec<Bar>,
}

/// One bar.
pub(in crate::bench) struct Bar {
    /// The place of its name in the chart's series.
    pub(in crate::bench) series: usize,
    pub(in crate::bench) amount: f64,
}

const WIDTH: usize = 900;
const NAME_WIDTH: usize = 190;
const BAR_WIDTH: f64 = 600.0;
const BAR_HEIGHT: usize = 18;
const GROUP_GAP: usize = 10;

impl BarChart {
    /// Groups the medians of a metric: one group for each label, one bar for each server.
    pub(in crate::bench) fn of_medians(
        title: &str,
        note: &str,
        servers: &[&str],
        medians: &[(String, &str, f64)],
    ) -> Self {
        let mut groups: Vec<BarGroup> = Vec::new();
        for (label, server, amount) in medians {
            let Some(series) = servers.iter().position(|known| known == server) else { continue };
            let index = groups.iter().position(|group| group.name == *label).unwrap_or_else(|| {
                groups.push(BarGroup { name: label.clone(), bars: Vec::new() });
                groups.len() - 1
            });
            groups[index].bars.push(Bar { series, amount: *amount });
        }
        let series = servers.iter().map(|server| (*server).to_owned()).collect();
        Self { title: title.to_owned(), note: note.to_owned(), series, groups }
    }

    pub(super) fn keys(&self) -> Vec<(String, String)> {
        let sample = |index: usize| {
            format!(
                "<rect width=\"22\" height=\"10\" rx=\"2\" class=\"fill{}\"/>",
                index % super::lines::COLOURS
            )
        };
        self.series.iter().enumerate().map(|(index, name)| (sample(index), name.clone())).collect()
    }

    pub(super) fn size(&self) -> (f64, f64) {
        let bars: usize = self.groups.iter().map(|group| group.bars.len()).sum();
        (WIDTH as f64, (bars * BAR_HEIGHT + self.groups.len() * GROUP_GAP) as f64)
    }

    pub(super) fn svg(&self) -> String {
        let bars = || self.groups.iter().flat_map(|group| &group.bars);
        let longest = bars().map(|bar| bar.amount).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let (_, height) = self.size();
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n",
            escape(&self.title)
        );
        let mut top = GROUP_GAP / 2;
        for group in &self.groups {
            let middle = top + group.bars.len() * BAR_HEIGHT / 2 + 4;
            svg.push_str(&format!(
                "<text x=\"{}\" y=\"{middle}\" text-anchor=\"end\">{}</text>\n",
                NAME_WIDTH - 10,
                escape(&group.name)
            ));
            for bar in &group.bars {
                let width = (bar.amount / longest * BAR_WIDTH).max(1.0);
                let name = self.series.get(bar.series).map_or("", String::as_str);
                svg.push_str(&format!(
                    "<rect x=\"{NAME_WIDTH}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\" rx=\"2\" class=\"fill{}\">\
                     <title>{}: {}</title></rect>\
                     <text x=\"{:.1}\" y=\"{}\" class=\"note\">{}</text>\n",
                    top + 1,
                    BAR_HEIGHT - 3,
                    bar.series % super::lines::COLOURS,
                    escape(name),
                    bar.amount,
                    NAME_WIDTH as f64 + width + 6.0,
                    top + 13,
                    short_number(bar.amount)
                ));
                top += BAR_HEIGHT;
            }
            top += GROUP_GAP;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_grouped_escaped_and_never_longer_than_the_longest() {
        let medians = [
            ("a<b".to_owned(), "ours", 10.0),
            ("a<b".to_owned(), "redis", 5.0),
            ("c".to_owned(), "ours", 0.0),
        ];
        let chart = BarChart::of_medians("x & y", "", &["ours", "redis"], &medians);
        assert_eq!(chart.groups.len(), 2);
        let svg = chart.svg();
        assert!(svg.contains("a&lt;b") && svg.contains("x &amp; y") && !svg.contains("a<b"));
        assert!(
            svg.contains("width=\"600.0\"")
                && svg.contains("width=\"300.0\"")
                && svg.contains("width=\"1.0\"")
        );
    }
}
