//! Lines as inline SVG: values over time or over shares, with what happened meanwhile marked.

use super::axis::{Axis, Fitted};
use super::escape;

/// So many colours the page has; series beyond them begin again.
pub(super) const COLOURS: usize = 4;

/// Lines over a common axis.
pub(in crate::bench) struct LineChart {
    pub(in crate::bench) title: String,
    pub(in crate::bench) note: String,
    pub(in crate::bench) x: Axis,
    pub(in crate::bench) y: Axis,
    pub(in crate::bench) series: Vec<Series>,
    /// Spans of the horizontal axis during which something was going on, drawn behind the lines.
    pub(in crate::bench) bands: Vec<Band>,
    /// Spans that are drawn in a strip of their own below: syncs, which are many and short.
    pub(in crate::bench) strip: Vec<(f64, f64)>,
}

/// One line.
pub(in crate::bench) struct Series {
    pub(in crate::bench) name: String,
    pub(in crate::bench) colour: usize,
    pub(in crate::bench) weight: Weight,
    pub(in crate::bench) points: Vec<(f64, f64)>,
}

/// How much a line stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Weight {
    Strong,
    Thin,
    Dotted,
}

/// A span of the horizontal axis, and what it is.
pub(in crate::bench) struct Band {
    pub(in crate::bench) name: &'static str,
    pub(in crate::bench) start: f64,
    pub(in crate::bench) end: f64,
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 250.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 38.0;
const STRIP_HEIGHT: f64 = 12.0;
/// A sync that takes no time must be seen too.
const SPAN_WIDTH_MIN: f64 = 0.7;
/// More spans than this merge where they overlap on paper: a page is to be read, not downloaded.
const SPANS_MAX: usize = 1500;

impl Weight {
    fn class(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Thin => "thin",
            Self::Dotted => "dotted",
        }
    }
}

/// Places on paper.
struct Paper {
    x: Fitted,
    y: Fitted,
    floor: f64,
}

impl Paper {
    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        self.floor - self.y.place(value) * (self.floor - TOP)
    }
}

impl LineChart {
    pub(super) const SIZE: (f64, f64) = (WIDTH, HEIGHT);

    pub(super) fn keys(&self) -> Vec<(String, String)> {
        let line = |series: &Series| {
            let (colour, weight) = (series.colour % COLOURS, series.weight.class());
            format!("<polyline points=\"0,5 22,5\" class=\"line{colour} {weight}\"/>")
        };
        let lines = self.series.iter().map(|series| (line(series), series.name.clone()));
        let band = self.bands.first().map(|band| {
            ("<rect width=\"22\" height=\"10\" class=\"band\"/>".to_owned(), band.name.to_owned())
        });
        let syncs = (!self.strip.is_empty()).then(|| {
            ("<rect width=\"22\" height=\"8\" y=\"1\" class=\"sync\"/>".to_owned(), "syncs".to_owned())
        });
        lines.chain(band).chain(syncs).collect()
    }

    pub(super) fn svg(&self) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let strip = if self.strip.is_empty() { 0.0 } else { STRIP_HEIGHT };
        let paper = Paper {
            x: self.x.fit(points().map(|(x, _)| *x)),
            y: self.y.fit(points().map(|(_, y)| *y)),
            floor: HEIGHT - BOTTOM - strip,
        };
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n",
            escape(&self.title)
        );
        for band in &self.bands {
            let (start, end) = (paper.x(band.start), paper.x(band.end));
            svg.push_str(&format!(
                "<rect x=\"{start:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\" class=\"band\">\
                 <title>{}</title></rect>\n",
                (end - start).max(SPAN_WIDTH_MIN),
                paper.floor - TOP,
                escape(band.name)
            ));
        }
        self.push_axes(&paper, &mut svg);
        let strip_top = paper.floor + 3.0;
        for (start, width) in merged(self.strip.iter().map(|(start, end)| (paper.x(*start), paper.x(*end)))) {
            svg.push_str(&format!(
                "<rect x=\"{start:.1}\" y=\"{strip_top:.1}\" width=\"{width:.1}\" height=\"{:.1}\" class=\"sync\"/>\n",
                STRIP_HEIGHT - 4.0
            ));
        }
        for series in &self.series {
            let path: String = series
                .points
                .iter()
                .map(|(x, y)| format!("{:.1},{:.1} ", paper.x(*x), paper.y(*y)))
                .collect();
            svg.push_str(&format!(
                "<polyline points=\"{}\" class=\"line{} {}\"><title>{}</title></polyline>\n",
                path.trim_end(),
                series.colour % COLOURS,
                series.weight.class(),
                escape(&series.name)
            ));
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn push_axes(&self, paper: &Paper, svg: &mut String) {
        let right = WIDTH - RIGHT;
        for (value, text) in paper.y.ticks() {
            let y = paper.y(value);
            svg.push_str(&format!(
                "<line x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\" class=\"grid\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" class=\"note\">{}</text>\n",
                LEFT - 6.0,
                y + 4.0,
                escape(&text)
            ));
        }
        let below = HEIGHT - BOTTOM + 14.0;
        for (value, text) in paper.x.ticks() {
            svg.push_str(&format!(
                "<text x=\"{:.1}\" y=\"{below:.1}\" text-anchor=\"middle\" class=\"note\">{}</text>\n",
                paper.x(value),
                escape(&text)
            ));
        }
        svg.push_str(&format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" class=\"note\">{}</text>\n\
             <text x=\"12\" y=\"{:.1}\" text-anchor=\"middle\" class=\"note\" \
             transform=\"rotate(-90 12 {3:.1})\">{}</text>\n",
            f64::midpoint(LEFT, right),
            HEIGHT - 6.0,
            escape(self.x.title),
            f64::midpoint(TOP, paper.floor),
            escape(self.y.title),
        ));
    }
}

/// Spans on paper as start and width; neighbours that touch become one.
fn merged(spans: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut spans: Vec<(f64, f64)> =
        spans.map(|(start, end)| (start, end.max(start + SPAN_WIDTH_MIN))).collect();
    spans.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut gap = 0.0;
    loop {
        let mut all: Vec<(f64, f64)> = Vec::new();
        for (start, end) in &spans {
            match all.last_mut() {
                Some(last) if *start <= last.1 + gap => last.1 = last.1.max(*end),
                _ => all.push((*start, *end)),
            }
        }
        if all.len() <= SPANS_MAX {
            return all.into_iter().map(|(start, end)| (start, end - start)).collect();
        }
        gap += 0.1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::axis::Scale;
    use super::*;

    #[test]
    fn lines_stay_on_the_paper() {
        let axis = |scale| Axis { title: "<t>", scale, range: None };
        let chart = LineChart {
            title: "a & b".to_owned(),
            note: String::new(),
            x: axis(Scale::Linear),
            y: axis(Scale::Log),
            series: vec![Series {
                name: "p99".to_owned(),
                colour: 0,
                weight: Weight::Strong,
                points: vec![(0.0, 0.5), (10.0, 2000.0)],
            }],
            bands: vec![Band { name: "snapshot", start: -5.0, end: 500.0 }],
            strip: vec![(1.0, 1.001)],
        };
        let svg = chart.svg();
        assert!(svg.contains("&lt;t&gt;") && svg.contains("a &amp; b") && !svg.contains("<t>"));
        let points = svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(points, "52.0,173.2 468.0,34.8");
    }

    #[test]
    fn touching_spans_merge() {
        assert_eq!(merged([(1.0, 2.0), (5.0, 6.0), (1.5, 3.0)].into_iter()), [(1.0, 2.0), (5.0, 1.0)]);
        let many = (0..10_000).map(|index| (f64::from(index), f64::from(index)));
        assert!(merged(many).len() <= SPANS_MAX);
    }
}
