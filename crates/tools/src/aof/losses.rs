//! What a salvage left out of a log, as text and as JSON.

use lastsave_aof::{Loss, LostCommand};
use lastsave_commands::{find_keys, lookup};
use serde_json::{Value, json};

use crate::json::text;

/// Commands of one loss that are printed as text; JSON has all that are known.
const PRINTED_MAX: usize = 20;

/// Longest argument that is printed.
const ARGUMENT_BYTES_MAX: usize = 64;

/// Lines about a loss.
pub(super) fn lines(file: &str, loss: &Loss) -> Vec<String> {
    let bytes = loss.range.end - loss.range.start;
    let mut lines = vec![format!(
        "Lost {bytes} bytes of {file} at {}..{}: {}",
        loss.range.start, loss.range.end, loss.reason
    )];
    for command in loss.commands.iter().take(PRINTED_MAX) {
        lines.push(format!("    at {}: {}", command.offset, printed(command)));
    }
    let named = loss.commands.len().min(PRINTED_MAX) as u64;
    if loss.commands_total > named {
        lines.push(format!("    and {} more commands", loss.commands_total - named));
    }
    if loss.has_unreadable_bytes {
        lines.push("    and bytes in which no command can be read".to_owned());
    }
    lines
}

fn printed(command: &LostCommand) -> String {
    let mut words: Vec<String> = command
        .arguments
        .iter()
        .take(8)
        .map(|argument| {
            let shown = &argument[..argument.len().min(ARGUMENT_BYTES_MAX)];
            let more = if shown.len() < argument.len() { "..." } else { "" };
            format!("\"{}{more}\"", shown.escape_ascii())
        })
        .collect();
    if command.arguments.len() > words.len() {
        words.push("...".to_owned());
    }
    words.join(" ")
}

/// A loss as an object.
pub(super) fn json(loss: &Loss) -> Value {
    let commands: Vec<Value> = loss
        .commands
        .iter()
        .map(|command| {
            json!({
                "offset": command.offset,
                "bytes": command.bytes,
                "command": command.arguments.first().map(|name| text(name)),
                "keys": keys(command).iter().map(|key| text(key)).collect::<Vec<_>>(),
                "arguments": command.arguments.len(),
            })
        })
        .collect();
    json!({
        "from": loss.range.start,
        "to": loss.range.end,
        "reason": loss.reason,
        "commands": commands,
        "commands_total": loss.commands_total,
        "has_unreadable_bytes": loss.has_unreadable_bytes,
    })
}

/// The keys that a command names, if it is one that exists.
pub(super) fn keys(command: &LostCommand) -> Vec<&[u8]> {
    let arguments = &command.arguments;
    let Some(spec) = arguments.first().and_then(|name| lookup(name)) else { return Vec::new() };
    let argument = |index: usize| arguments.get(index).map_or(&b""[..], Vec::as_slice);
    let found = find_keys(spec, arguments.len(), &argument).unwrap_or_default();
    found.iter().map(|key| argument(key.index)).collect()
}
