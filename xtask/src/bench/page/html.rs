//! The page around the drawings and tables.

use super::style::{COLOURS, DRAWING, PAGE};
use super::{Chart, escape};
use crate::bench::results::{Document, Outcome, Table};

/// The whole page. `comparison` is with an earlier run.
pub(in crate::bench) fn html(document: &Document, comparison: Option<&Table>) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Lastsave: benchmark</title>\n\
         <style>{COLOURS}{DRAWING}{PAGE}</style>\n</head>\n<body>\n<h1>Lastsave: benchmark</h1>\n"
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
    let keys: String = chart
        .keys()
        .into_iter()
        .map(|(sample, name)| {
            format!(
                "<span class=\"key\"><svg viewBox=\"0 0 22 10\" aria-hidden=\"true\">{sample}</svg>{}</span>",
                escape(&name)
            )
        })
        .collect();
    let note = if chart.note().is_empty() { String::new() } else { format!("<br>{}", escape(chart.note())) };
    format!(
        "<figure><figcaption><b>{}</b>{keys}{note}</figcaption>\n{}</figure>\n",
        escape(chart.title()),
        chart.svg()
    )
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
