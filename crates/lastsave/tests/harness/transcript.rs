//! Scripts for several connections, and everything each of them gets: byte by byte the same from two servers.

use std::path::Path;
use std::time::Duration;

use super::{Client, Instance, Program, Reply, has_oracle, temporary_directory};

/// The last thing every connection is answered.
const END: &str = "end-of-the-script";

/// Runs `number command` lines, each over the connection with that number; gives what each connection got. The answer
/// to `number !command` is not part of it, and `number sleep milliseconds` waits.
pub(crate) fn transcript(program: Program, arguments: &[&str], script: &[&str]) -> Vec<String> {
    let directory = temporary_directory();
    run(program, directory.path(), arguments, script)
}

fn run(program: Program, directory: &Path, arguments: &[&str], script: &[&str]) -> Vec<String> {
    let instance = Instance::start(program, directory, arguments);
    let count = script.iter().map(|line| split(line).0 + 1).max().unwrap_or(0);
    let mut clients: Vec<Client> = (0..count).map(|_| instance.client()).collect();
    let mut observer = instance.client();
    for line in script {
        let (connection, words) = split(line);
        if let Some(pause_ms) = words.strip_prefix("sleep ") {
            std::thread::sleep(Duration::from_millis(pause_ms.parse().expect("a number")));
            continue;
        }
        if let Some(words) = words.strip_prefix('!') {
            clients[connection].run(words);
            continue;
        }
        clients[connection]
            .send(&lastsave_resp::split_arguments(words.as_bytes()).expect("well-formed words"));
        // What was sent before the first of these is read with it or earlier, and executed before the second is read.
        for _ in 0..2 {
            assert_eq!(observer.run("PING"), "PONG");
        }
    }
    clients.iter_mut().map(show_all).collect()
}

fn split(line: &str) -> (usize, &str) {
    let (number, words) = line.split_once(' ').expect("a number and a command");
    (number.parse().expect("a connection's number"), words)
}

fn show_all(client: &mut Client) -> String {
    if client.try_write(&super::encode(&["PING", END])).is_err() {
        return "closed".to_owned();
    }
    let mut text = String::new();
    while let Some(reply) = client.try_read() {
        let line = readable(&reply);
        if super::show(&reply).contains(END) {
            return text;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text + "closed"
}

/// Asserts that both servers answer a script alike.
pub(crate) fn assert_like_redis(arguments: &[&str], script: &[&str]) {
    if !has_oracle() {
        return;
    }
    let expected = transcript(Program::Redis, arguments, script);
    let actual = transcript(Program::Lastsave, arguments, script);
    for (connection, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
        assert_eq!(actual, expected, "connection {connection} of {script:#?}");
    }
}

/// A reply with its type, on one line.
fn readable(reply: &Reply) -> String {
    let all = |replies: &[Reply]| replies.iter().map(readable).collect::<Vec<_>>().join(" ");
    match reply {
        Reply::Simple(text) => format!("+{}", text.escape_ascii()),
        Reply::Bulk(text) => format!("\"{}\"", text.escape_ascii()),
        Reply::Error(text) => format!("-{}", text.escape_ascii()),
        Reply::Integer(number) => format!(":{number}"),
        Reply::Array(replies) => format!("[{}]", all(replies)),
        Reply::Push(replies) => format!(">[{}]", all(replies)),
        other => format!("{other:?}"),
    }
}
