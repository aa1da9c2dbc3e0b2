//! The page around the drawings and tables.

use super::{Chart, escape};
use crate::bench::results::{Document, Outcome, Table};

const STYLE: &str = "
:root { color-scheme: light dark; --c0: #2563c9; --c1: #d4601f; --c2: #23864f; --c3: #8a52c8; --band: #d9a300; }
@media (prefers-color-scheme: dark) {
  :root { --c0: #6ea8ff; --c1: #ff9a5c; --c2: #5fcf94; --c3: #c39bff; --band: #ffd24d; }
}
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1060px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.6rem; } h3 { font-size: 1rem; margin: 1.4rem 0 .2rem; }
p { max-width: 48rem; } code { word-break: break-all; }
svg { width: 100%; height: auto; display: block; } svg text { font-size: 12px; fill: currentColor; }
svg .note { opacity: .75; font-size: 11px; } svg .grid { stroke: currentColor; opacity: .14; }
svg .band { fill: var(--band); opacity: .18; } svg .sync { fill: currentColor; opacity: .55; }
svg polyline { fill: none; stroke-linejoin: round; } svg .strong { stroke-width: 2; } svg .thin { stroke-width: 1.1; }
svg .dotted { stroke-width: 1.1; stroke-dasharray: 2 3; opacity: .85; }
.line0 { stroke: var(--c0); } .line1 { stroke: var(--c1); } .line2 { stroke: var(--c2); } .line3 { stroke: var(--c3); }
.fill0 { fill: var(--c0); } .fill1 { fill: var(--c1); } .fill2 { fill: var(--c2); } .fill3 { fill: var(--c3); }
figure { margin: 1rem 0; } figcaption b { font-weight: 600; } figcaption { font-size: 13px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); gap: .2rem 1.6rem; }
.key { display: inline-flex; align-items: center; margin-left: .8rem; gap: .35rem; }
.key svg { width: 22px; height: 10px; display: inline-block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; } th, td { text-align: right; padding: .22rem .6rem; }
th { font-weight: 600; vertical-align: bottom; } th:first-child, td:first-child { text-align: left; }
td { border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent); font-variant-numeric: tabular-nums; }
tr.ratio td { border-top-style: dotted; opacity: .8; font-style: italic; }
tr.ratio + tr:not(.ratio) td { border-top: 2px solid color-mix(in srgb, currentColor 35%, transparent); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: 13.5px; } dd { margin: 0; }
dt { opacity: .75; }
";

/// The whole page. `comparison` is with an earlier run.
pub(in crate::bench) fn html(document: &Document, comparison: Option<&Table>) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Lastsave: benchmark</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>Lastsave: benchmark</h1>\n"
    );
    if let Some(table) = comparison {
        page.push_str("<h2>Compared with the earlier run</h2>\n");
        push_table(&mut page, table);
    }
    for outcome in &document.outcomes {
        push_outcome(&mut page, outcome);
    }
    page.push_str("<h2>About this run</h2>\n<dl>\n");
    page.push_str(&format!("<dt>command</dt><dd><code>{}</code></dd>\n", escape(&document.command)));
    for (name, value) in &document.about {
        page.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", escape(name), escape(value)));
    }
    page.push_str("</dl>\n</body>\n</html>\n");
    page
}

fn push_outcome(page: &mut String, outcome: &Outcome) {
    page.push_str(&format!("<h2>{}</h2>\n", escape(&outcome.title)));
    for note in &outcome.notes {
        page.push_str(&format!("<p>{}</p>\n", escape(note)));
    }
    for table in &outcome.tables {
        push_table(page, &table.table());
    }
    let mut in_grid = false;
    for chart in &outcome.charts {
        let is_small = matches!(chart, Chart::Lines(_));
        if is_small != in_grid {
            page.push_str(if is_small { "<div class=\"charts\">\n" } else { "</div>\n" });
            in_grid = is_small;
        }
        page.push_str(&figure(chart));
    }
    if in_grid {
        page.push_str("</div>\n");
    }
}

fn figure(chart: &Chart) -> String {
    let (title, note, keys, svg) = match chart {
        Chart::Bars(bars) => {
            let keys = bars.series.iter().enumerate().map(|(index, name)| {
                let class = format!("fill{}", index % super::lines::COLOURS);
                (format!("<rect width=\"22\" height=\"10\" rx=\"2\" class=\"{class}\"/>"), name.clone())
            });
            (&bars.title, &bars.note, keys.collect::<Vec<_>>(), bars.svg())
        }
        Chart::Lines(lines) => {
            let mut keys: Vec<(String, String)> = lines
                .series
                .iter()
                .map(|series| {
                    let class =
                        format!("line{} {}", series.colour % super::lines::COLOURS, series.weight.class());
                    (format!("<polyline points=\"0,5 22,5\" class=\"{class}\"/>"), series.name.clone())
                })
                .collect();
            if let Some(band) = lines.bands.first() {
                let sample = "<rect width=\"22\" height=\"10\" class=\"band\"/>".to_owned();
                keys.push((sample, band.name.to_owned()));
            }
            if !lines.strip.is_empty() {
                let sample = "<rect width=\"22\" height=\"8\" y=\"1\" class=\"sync\"/>".to_owned();
                keys.push((sample, "syncs".to_owned()));
            }
            (&lines.title, &lines.note, keys, lines.svg())
        }
    };
    let keys: String = keys
        .into_iter()
        .map(|(sample, name)| {
            format!(
                "<span class=\"key\"><svg viewBox=\"0 0 22 10\" aria-hidden=\"true\">{sample}</svg>{}</span>",
                escape(&name)
            )
        })
        .collect();
    let note = if note.is_empty() { String::new() } else { format!("<br>{}", escape(note)) };
    format!("<figure><figcaption><b>{}</b>{keys}{note}</figcaption>\n{svg}</figure>\n", escape(title))
}

fn push_table(page: &mut String, table: &Table) {
    page.push_str("<div class=\"scroll\"><table>\n<tr>");
    for heading in table.headings() {
        page.push_str(&format!("<th>{}</th>", escape(heading)));
    }
    page.push_str("</tr>\n");
    for row in table.rows() {
        let is_ratio = row.iter().any(|cell| cell.starts_with("ratio to "));
        page.push_str(if is_ratio { "<tr class=\"ratio\">" } else { "<tr>" });
        for cell in row {
            page.push_str(&format!("<td>{}</td>", escape(cell)));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></div>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_one_file_and_its_text_is_text() {
        let document = Document {
            command: "cargo xtask bench --json '<x>'".to_owned(),
            about: vec![("cpu".to_owned(), "a & b".to_owned())],
            outcomes: vec![Outcome {
                title: "1 < 2".to_owned(),
                notes: vec!["a note".to_owned()],
                tables: Vec::new(),
                charts: Vec::new(),
            }],
        };
        let page = html(&document, None);
        assert!(page.contains("1 &lt; 2") && page.contains("&lt;x&gt;") && page.contains("a &amp; b"));
        assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
        assert!(page.ends_with("</html>\n"));
    }
}
