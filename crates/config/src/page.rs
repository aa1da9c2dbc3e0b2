//! The manual's page on configuration, generated from the table so that it cannot drift.

use std::fmt::Write as _;

use crate::directive::{Directive, Effect};

const HEAD: &str = "\
# Configuration

<!-- Generated from the directive table: cargo run -p lastsave-config --example configuration_page > docs/configuration.md -->

The server reads redis.conf as Redis 7.2 does: the same grammar (quotes, escapes, units, `include`, repeated directives),
the same command line, the same CONFIG GET, SET and REWRITE. An existing file works as it is. A directive that is not
listed here is refused at start, as in Redis.

The column *effect* is honest about what a directive does:

- **works**: what Redis does, or better.
- **not yet**: accepted, shown and rewritten, but the part of Redis it belongs to is not served yet.
- **moot**: accepted, shown and rewritten, but it tunes something that this server's design does not have.

The column *change* says how: *runtime* with CONFIG SET; *start* only in the file or on the command line; *protected* with
CONFIG SET if `enable-protected-configs` allows it; *not while loading* is refused with -LOADING while the dataset is being
loaded; *hidden* directives are shown by CONFIG GET only when asked for by their full name.

Sizes take the units of Redis: `1k` is 1000 bytes, `1kb` 1024, likewise `m`, `mb`, `g`, `gb`.
";

const TAIL: &str = "
## Lines that are no directives

| line | meaning |
|---|---|
| `include <path>` | Reads another file at this place. The path may have `*`, `?` and `[...]` in it; then no match is fine. |
| `rename-command <name> <new name>` | Gives a command another name; `\"\"` takes it away. |
| `user <name> <rule> ...` | Declares a user in the grammar of ACL SETUSER. |
| `loadmodule <path> <argument> ...`, `<module>.<name> <value>` | Read and kept; there are no modules to load, so the server refuses to start, as Redis does when a module is missing. |
| `list-max-ziplist-entries`, `list-max-ziplist-value`, `lua-replicate-commands` | Accepted with one argument and forgotten. |

## Deliberate differences from Redis

- A size that does not fit 64 bits is refused. Redis takes the rest of a division by 2^64.
- After an `include`, `save` lines go on adding up. In Redis each one then replaces the one before.
- A file that includes itself is an error. Redis crashes.
- `notify-keyspace-events An` is rewritten as `An`. Redis writes `A` and forgets the `n`.
- CONFIG REWRITE quotes addresses in `bind` and `replicaof` that could not be read back otherwise. Redis does not.
- A zero byte in a file ends its line. In Redis it also joins the line with the next one.
- `repl-backlog-size` below 16kb is shown as 16kb from the start. Redis does so after CONFIG SET only.
- `tls-port` other than 0, `tls-replication yes`, `tls-cluster yes` and `cluster-enabled yes` are refused: what they ask for
  is not there, and going on without it would be worse.
- `activedefrag yes` in a file is accepted with a warning and stays `no`; CONFIG SET refuses it with Redis' words.
";

/// `docs/configuration.md`.
pub fn configuration_page() -> String {
    let mut page = String::from(HEAD);
    let mut section = "";
    for directive in Directive::all() {
        if directive.section() != section {
            section = directive.section();
            let _ = write!(page, "\n## {section}\n\n");
            page.push_str(
                "| directive | default | values | change | effect | meaning |\n|---|---|---|---|---|---|\n",
            );
        }
        page.push_str(&row(directive));
    }
    page.push_str(TAIL);
    page
}

fn row(directive: &Directive) -> String {
    let mut name = format!("`{}`", directive.name());
    if let Some(alias) = directive.alias() {
        let _ = write!(name, "<br>`{alias}`");
    }
    let default = String::from_utf8_lossy(&directive.default_value()).into_owned();
    let default = if default.is_empty() { String::from("*none*") } else { format!("`{default}`") };
    let meaning = match (directive.is_ours(), directive.summary()) {
        (true, summary) => format!("{summary} *Not in Redis.*"),
        (false, summary) => summary.to_owned(),
    };
    let effect = match directive.effect() {
        Effect::Works => Effect::Works.name().to_owned(),
        other => format!("*{}*", other.name()),
    };
    let kind = directive.kind();
    let values = directive.accepted().replace('|', "\\|");
    let values =
        if matches!(kind, "integer" | "memory" | "octal") { format!("{kind}, {values}") } else { values };
    format!("| {name} | {default} | {values} | {} | {effect} | {meaning} |\n", change(directive))
}

fn change(directive: &Directive) -> String {
    let mut words = vec![match (directive.is_immutable(), directive.is_protected()) {
        (true, _) => "start",
        (false, true) => "protected",
        (false, false) => "runtime",
    }];
    if directive.is_denied_while_loading() {
        words.push("not while loading");
    }
    if directive.is_hidden() {
        words.push("hidden");
    }
    words.join(", ")
}
