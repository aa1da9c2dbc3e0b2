//! The page: one file that needs nothing else.

use super::chart::{Bar, bars, memory_bar};
use super::{Share, Statistics};
use crate::json::text;

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
svg { max-width: 100%; height: auto; } svg text { font-size: 12px; fill: currentColor; } svg rect { fill: #3b7dd8; }
svg .note { opacity: .75; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .25rem .6rem; }
td { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
.number { text-align: right; font-variant-numeric: tabular-nums; } code { word-break: break-all; }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; }
.cards div { border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: 6px;
  padding: .6rem 1rem; } .cards b { display: block; font-size: 1.25rem; }
";

/// The whole page.
pub(crate) fn html(name: &str, statistics: &Statistics) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{0}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<h1>{0}</h1>\n",
        escape(name)
    );
    page.push_str(&cards(statistics));
    let by_memory = |pairs: Vec<(String, Share)>| -> Vec<Bar> {
        let mut pairs = pairs;
        pairs.sort_by_key(|(_, share)| std::cmp::Reverse(share.memory_bytes));
        pairs.into_iter().map(|(name, share)| memory_bar(name, share.memory_bytes, share.keys)).collect()
    };
    let named = |name: &&str, share: &Share| ((*name).to_owned(), *share);
    section(
        &mut page,
        "Memory by type",
        &by_memory(statistics.types.iter().map(|(name, share)| named(name, share)).collect()),
    );
    section(
        &mut page,
        "Memory by encoding",
        &by_memory(
            statistics
                .encodings
                .iter()
                .map(|((kind, encoding), share)| (format!("{kind}: {encoding}"), *share))
                .collect(),
        ),
    );
    let prefixes = statistics.top_prefixes();
    let prefix_bars: Vec<Bar> =
        prefixes.into_iter().map(|(name, share)| memory_bar(name, share.memory_bytes, share.keys)).collect();
    section(&mut page, "Memory by key prefix", &prefix_bars);
    let expiries: Vec<Bar> = statistics
        .expiries()
        .into_iter()
        .map(|(name, share)| Bar {
            name: name.to_owned(),
            amount: share.keys,
            note: format!("{} keys, {}", share.keys, bytes(share.memory_bytes)),
        })
        .collect();
    section(&mut page, "Time left to keys", &expiries);
    if statistics.databases.len() > 1 {
        let databases: Vec<Bar> = statistics
            .databases
            .iter()
            .map(|(index, share)| memory_bar(format!("db{index}"), share.memory_bytes, share.keys))
            .collect();
        section(&mut page, "Memory by database", &databases);
    }
    page.push_str(&biggest_keys(statistics));
    page.push_str(&about(statistics));
    page.push_str("</body>\n</html>\n");
    page
}

fn section(page: &mut String, title: &str, content: &[Bar]) {
    page.push_str(&format!("<h2>{}</h2>\n{}", escape(title), bars(title, content)));
}

fn cards(statistics: &Statistics) -> String {
    let with_expiry = statistics.keys - statistics.without_expiry.keys;
    let cards = [
        (statistics.keys.to_string(), "keys"),
        (bytes(statistics.memory_bytes), "memory, estimated"),
        (bytes(statistics.file_bytes), "file"),
        (with_expiry.to_string(), "keys with an expiry"),
        (statistics.databases.len().to_string(), "databases"),
    ];
    let inner: String =
        cards.iter().map(|(value, what)| format!("<div><b>{value}</b>{what}</div>")).collect();
    format!("<div class=\"cards\">{inner}</div>\n")
}

fn biggest_keys(statistics: &Statistics) -> String {
    let mut table = String::from(
        "<h2>Biggest keys</h2>\n<table>\n<tr><th>key</th><th>db</th><th>type</th><th>encoding</th>\
         <th class=\"number\">elements</th><th class=\"number\">memory</th></tr>\n",
    );
    for key in statistics.biggest_keys() {
        table.push_str(&format!(
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td><td class=\"number\">{}</td>\
             <td class=\"number\">{}</td></tr>\n",
            escape(&text(&key.key)),
            key.database,
            key.type_name,
            key.encoding,
            key.elements,
            bytes(key.memory_bytes)
        ));
    }
    table.push_str("</table>\n");
    table
}

fn about(statistics: &Statistics) -> String {
    let mut table = format!(
        "<h2>About the file</h2>\n<table>\n<tr><td>format version</td><td>{}</td></tr>\n",
        escape(&statistics.version)
    );
    if statistics.function_bytes > 0 {
        table.push_str(&format!(
            "<tr><td>function libraries</td><td>{}</td></tr>\n",
            bytes(statistics.function_bytes)
        ));
    }
    for (name, value) in &statistics.aux {
        table.push_str(&format!("<tr><td>{}</td><td>{}</td></tr>\n", escape(name), escape(value)));
    }
    table.push_str(
        "</table>\n<p>Memory is estimated from what was read: the bytes of key and value, and 48 bytes for each key \
         (64 with an expiry).</p>\n",
    );
    table
}

/// An amount of bytes for people.
pub(super) fn bytes(amount: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if amount < 1024 {
        return format!("{amount} B");
    }
    let mut value = amount as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Text that stands for itself in HTML.
pub(super) fn escape(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_readable() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(u64::MAX), "16384.0 PiB");
    }
}
