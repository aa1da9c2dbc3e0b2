//! Tests as text: commands with the replies and effects they must have.
//!
//! ```text
//! > SET key value EX 10        a command, words quoted as in redis-cli
//! +OK                          its reply, line ends shown as blanks
//! ~ 0 SET key value PXAT 5     a record for the log: database and command
//! = 0                          the same for the command itself, logged as it was sent
//! @ after 1500                 lets time pass, in milliseconds; also: db N, resp N, replay on|off, policy NAME
//! ```
//!
//! A command without `~` or `=` lines must have no effects.

use crate::executor::{Executor, Outcome};
use lastsave_resp::Protocol;

#[derive(Debug, Default)]
struct Step<'a> {
    line: usize,
    command: &'a str,
    reply: String,
    effects: Vec<String>,
}

/// Runs a script on an empty data set at unix time 1700000000.000.
#[track_caller]
pub(crate) fn check(script: &str) {
    let mut executor = Executor::new();
    let mut step: Option<Step<'_>> = None;
    for (index, line) in script.lines().map(str::trim).enumerate() {
        if let Some(command) = line.strip_prefix("> ") {
            finish(&mut executor, step.take());
            step = Some(Step { line: index + 1, command, ..Step::default() });
        } else if let Some(directive) = line.strip_prefix("@ ") {
            finish(&mut executor, step.take());
            apply(&mut executor, directive);
        } else if line.starts_with("~ ") || line.starts_with("= ") {
            step.as_mut().expect("an effect belongs to a command").effects.push(line.to_owned());
        } else if !line.is_empty() && !line.starts_with("# ") {
            let reply = &mut step.as_mut().expect("a reply belongs to a command").reply;
            if !reply.is_empty() {
                reply.push(' ');
            }
            reply.push_str(line);
        }
    }
    finish(&mut executor, step);
}

#[track_caller]
fn finish(executor: &mut Executor, step: Option<Step<'_>>) {
    let Some(step) = step else { return };
    let outcome = executor.run_text(step.command);
    let shown = show_reply(&outcome.reply);
    assert_eq!(shown, step.reply, "reply to `{}` in line {}", step.command, step.line);
    assert_eq!(show_effects(&outcome), step.effects, "effects of `{}` in line {}", step.command, step.line);
    let changed = outcome.dirty > 0 || outcome.effects.is_empty();
    let forced = step.command.starts_with("FLUSH");
    let expired = outcome.effects.iter().all(|effect| !effect.verbatim && effect.args.len() == 2);
    assert!(changed || forced || expired, "`{}` logs something, so it must count as a change", step.command);
}

fn apply(executor: &mut Executor, directive: &str) {
    match directive.split_once(' ').expect("a directive has an argument") {
        ("after", ms) => executor.now_ms += ms.parse::<i64>().expect("milliseconds"),
        ("db", db) => executor.db = db.parse().expect("a database"),
        ("resp", "2") => executor.protocol = Protocol::Resp2,
        ("resp", "3") => executor.protocol = Protocol::Resp3,
        ("replay", state) => executor.replay = state == "on",
        ("policy", name) => executor.options.maxmemory_policy = name.parse().expect("a policy"),
        ("max-bulk", bytes) => executor.options.proto_max_bulk_bytes = bytes.parse().expect("bytes"),
        ("lazyfree", state) => executor.options.lazyfree_lazy_expire = state == "on",
        ("no-touch", state) => executor.no_touch = state == "on",
        other => panic!("unknown directive {other:?}"),
    }
}

pub(crate) fn show_reply(reply: &[u8]) -> String {
    reply.escape_ascii().to_string().replace("\\r\\n", " ").replace("\\'", "'").trim_end().to_owned()
}

fn show_effects(outcome: &Outcome) -> Vec<String> {
    outcome
        .effects
        .iter()
        .map(|effect| {
            if effect.verbatim {
                return format!("= {}", effect.db);
            }
            let words: Vec<String> = effect.args.iter().map(|word| word.escape_ascii().to_string()).collect();
            format!("~ {} {}", effect.db, words.join(" "))
        })
        .collect()
}

/// A command for people, with its long words cut.
pub(crate) fn show_command(args: &[Vec<u8>]) -> String {
    const SHOWN_BYTES_MAX: usize = 60;
    let show = |word: &Vec<u8>| {
        let cut = &word[..word.len().min(SHOWN_BYTES_MAX)];
        format!("\"{}\"{}", cut.escape_ascii(), if cut.len() < word.len() { "..." } else { "" })
    };
    args.iter().map(show).collect::<Vec<_>>().join(" ")
}
