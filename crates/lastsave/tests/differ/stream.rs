//! One stream of commands, run on both servers at once.

use std::path::Path;

use lastsave_resp::Reply;

use super::compare::{Comparison, agree, comparison};
use super::differences::{expected_difference, same_numbers};
use super::grammar::{Generator, Words};
use super::words::{chance, pick};
use crate::harness::{Client, Instance, Program, show};

/// Commands of a stream's history that a report shows.
const SHOWN_COMMANDS: usize = 25;

/// Settings that decide about encodings, with values small enough to be crossed and as they are by default.
const LIMITS: &[(&str, &[&str])] = &[
    ("hash-max-listpack-entries", &["512", "4"]),
    ("hash-max-listpack-value", &["64", "8"]),
    ("set-max-intset-entries", &["512", "4"]),
    ("zset-max-listpack-entries", &["128", "4"]),
    ("zset-max-listpack-value", &["64", "8"]),
    ("list-max-listpack-size", &["-2", "4", "-1"]),
    ("list-compress-depth", &["0", "1"]),
    ("stream-node-max-entries", &["100", "3"]),
    ("hll-sparse-max-bytes", &["3000", "60"]),
];

/// The oracle and the server under test.
pub(crate) struct Pair {
    ours: Instance,
    theirs: Instance,
}

impl Pair {
    pub(crate) fn start(ours: &Path, theirs: &Path) -> Self {
        let common = ["--rdbcompression", "no", "--appendfsync", "no"];
        let with_log = [&common[..], &["--appendonly", "yes", "--rdb-write-version", "10"]].concat();
        let pair = Self {
            ours: Instance::start(Program::Lastsave, ours, &with_log),
            theirs: Instance::start(Program::Redis, theirs, &common),
        };
        for client in [pair.ours.client(), pair.theirs.client()].iter_mut() {
            assert_eq!(client.run("DEBUG SET-ACTIVE-EXPIRE 0"), "OK");
        }
        pair
    }
}

/// Whether both keys hold the same sorted set. Digests have the digits of scores, of which 7.2 writes no more than needed.
fn same_scores(one: (&mut Client, &[u8]), other: (&mut Client, &[u8])) -> bool {
    let range = |(client, key): (&mut Client, &[u8])| {
        client.command(&[b"ZRANGE".as_slice(), key, b"0", b"-1", b"WITHSCORES"])
    };
    let (one, other) = (range(one), range(other));
    matches!(&one, Reply::Array(elements) if !elements.is_empty()) && same_numbers(&one, &other)
}

/// A stream under way.
pub(crate) struct Stream {
    seed: u64,
    generator: Generator,
    ours: Client,
    theirs: Client,
    history: Vec<Words>,
    /// Commands queued since MULTI.
    queued: Option<Vec<Words>>,
}

impl Stream {
    pub(crate) fn new(pair: &Pair, seed: u64) -> Self {
        let mut stream = Self {
            seed,
            generator: Generator::new(seed),
            ours: pair.ours.client(),
            theirs: pair.theirs.client(),
            history: Vec::new(),
            queued: None,
        };
        stream.set_up();
        stream
    }

    fn set_up(&mut self) {
        self.on_both(&["FLUSHALL"]);
        for (name, values) in LIMITS {
            let value = pick(self.generator.random(), values).to_owned();
            self.on_both(&["CONFIG", "SET", name, &value]);
        }
        if chance(self.generator.random(), 50) {
            self.ours.run("HELLO 3");
            self.theirs.run("HELLO 3");
        }
    }

    fn on_both(&mut self, words: &[&str]) {
        let (ours, theirs) = (self.ours.command(words), self.theirs.command(words));
        assert_eq!((show(&ours).as_str(), show(&theirs).as_str()), ("OK", "OK"), "{words:?}");
    }

    /// Runs so many commands and compares replies, and at the end the data.
    ///
    /// # Errors
    /// A report of the first difference.
    pub(crate) fn run(mut self, commands: usize) -> Result<(), String> {
        for _ in 0..commands {
            let words = self.next_command();
            self.step(&words)?;
        }
        if self.queued.is_some() {
            self.step(&vec![b"EXEC".to_vec()])?;
        }
        self.compare_data("after the commands", true)?;
        self.exchange_payloads()?;
        self.reload("DEBUG RELOAD")?;
        self.reload("DEBUG LOADAOF")
    }

    fn next_command(&mut self) -> Words {
        let random = self.generator.random();
        match &self.queued {
            None if chance(random, 2) => vec![b"MULTI".to_vec()],
            Some(queued) if !queued.is_empty() && chance(random, 20) => {
                vec![if chance(random, 85) { b"EXEC".to_vec() } else { b"DISCARD".to_vec() }]
            }
            _ => self.generator.command(),
        }
    }

    fn step(&mut self, words: &Words) -> Result<(), String> {
        self.history.push(words.clone());
        let (ours, theirs) = (self.ours.command(words), self.theirs.command(words));
        if words[0] == b"MULTI" && self.queued.is_none() {
            self.queued = Some(Vec::new());
            return self.judge(Comparison::Exact, words, &ours, &theirs);
        }
        if words[0] == b"EXEC" {
            let queued = self.queued.take().unwrap_or_default();
            return self.judge_transaction(&queued, &ours, &theirs);
        }
        if words[0] == b"DISCARD" {
            self.queued = None;
        }
        match &mut self.queued {
            Some(queued) => {
                if matches!(&theirs, Reply::Simple(text) if text == b"QUEUED") {
                    queued.push(words.clone());
                }
                self.judge(Comparison::Exact, words, &ours, &theirs)
            }
            None => self.judge(comparison(words), words, &ours, &theirs),
        }
    }

    fn judge(&self, how: Comparison, words: &Words, ours: &Reply, theirs: &Reply) -> Result<(), String> {
        if agree(how, ours, theirs) || expected_difference(words, ours, theirs).is_some() {
            return Ok(());
        }
        Err(self
            .report(words, &format!("ours:   {}\n  theirs: {}", show_exactly(ours), show_exactly(theirs))))
    }

    fn judge_transaction(&self, queued: &[Words], ours: &Reply, theirs: &Reply) -> Result<(), String> {
        let (Reply::Array(our_items), Reply::Array(their_items)) = (ours, theirs) else {
            return self.judge(Comparison::Exact, &vec![b"EXEC".to_vec()], ours, theirs);
        };
        if our_items.len() != their_items.len() || queued.len() != their_items.len() {
            return Err(self.report(&vec![b"EXEC".to_vec()], "replies are missing"));
        }
        for (words, (ours, theirs)) in queued.iter().zip(our_items.iter().zip(their_items)) {
            self.judge(comparison(words), words, ours, theirs)?;
        }
        Ok(())
    }

    /// The digests of both, and where they differ the keys at fault. Encodings too, unless a file lies in between, which
    /// does not keep all of them.
    fn compare_data(&mut self, when: &str, with_encodings: bool) -> Result<(), String> {
        let (ours, theirs) = (self.ours.run("DEBUG DIGEST"), self.theirs.run("DEBUG DIGEST"));
        let mut may_differ = false;
        for key in self.keys() {
            let digest: Words = vec![b"DEBUG".to_vec(), b"DIGEST-VALUE".to_vec(), key.clone()];
            let encoding: Words = vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), key.clone()];
            for words in [Some(digest), with_encodings.then_some(encoding)].into_iter().flatten() {
                let (ours, theirs) = (self.ours.command(&words), self.theirs.command(&words));
                if ours == theirs || expected_difference(&words, &ours, &theirs).is_some() {
                    continue;
                }
                if words[0] == b"DEBUG" && same_scores((&mut self.ours, &key), (&mut self.theirs, &key)) {
                    may_differ = true;
                } else {
                    let what = format!("{when}: {}, theirs {}", show(&ours), show(&theirs));
                    return Err(self.report(&words, &what));
                }
            }
        }
        if ours == theirs || may_differ {
            Ok(())
        } else {
            Err(self.report(&vec![], &format!("{when}: {ours}, theirs {theirs}")))
        }
    }

    fn keys(&mut self) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        for client in [&mut self.ours, &mut self.theirs] {
            if let Reply::Array(items) = client.command(&["KEYS", "*"]) {
                keys.extend(items.into_iter().filter_map(|item| match item {
                    Reply::Bulk(key) => Some(key),
                    _ => None,
                }));
            }
        }
        keys.sort();
        keys.dedup();
        keys
    }

    /// Each server restores what the other one dumps.
    fn exchange_payloads(&mut self) -> Result<(), String> {
        for key in self.keys() {
            for ours_to_theirs in [true, false] {
                let (from, to) = if ours_to_theirs {
                    (&mut self.ours, &mut self.theirs)
                } else {
                    (&mut self.theirs, &mut self.ours)
                };
                let Reply::Bulk(payload) = from.command(&[b"DUMP", key.as_slice()]) else { continue };
                let copy = b"copy".as_slice();
                let reply = to.command(&[b"RESTORE", copy, b"0", &payload, b"REPLACE"]);
                let digest = |client: &mut Client, key: &[u8]| {
                    show(&client.command(&[b"DEBUG".as_slice(), b"DIGEST-VALUE", key]))
                };
                // The expiry is no part of a payload, but of the digest.
                for client in [&mut *to, &mut *from] {
                    client.command(&[b"PERSIST".as_slice(), &key]);
                }
                let (copied, original) = (digest(to, copy), digest(from, &key));
                let is_same = copied == original || same_scores((&mut *to, copy), (&mut *from, &key));
                to.command(&[b"DEL".as_slice(), copy]);
                if show(&reply) != "OK" || !is_same {
                    let direction = if ours_to_theirs { "our payload there" } else { "their payload here" };
                    return Err(self.report(
                        &vec![key],
                        &format!("{direction}: {}, {copied} is not {original}", show(&reply)),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Our own data through a file and back.
    fn reload(&mut self, command: &str) -> Result<(), String> {
        let reply = self.ours.run(command);
        if reply != "OK" {
            return Err(self.report(&vec![], &format!("{command}: {reply}")));
        }
        self.compare_data(command, false)
    }

    /// What went wrong, how to see it again, and what happened to the keys before.
    fn report(&self, words: &Words, what: &str) -> String {
        let about: Vec<&Words> = self
            .history
            .iter()
            .filter(|command| {
                command.len() == 1 || words.iter().any(|word| word.contains(&b':') && command.contains(word))
            })
            .collect();
        let from = about.len().saturating_sub(SHOWN_COMMANDS);
        let history: Vec<String> =
            about[from..].iter().map(|command| format!("    {}", quoted(command))).collect();
        format!(
            "seed {}, command {}: {}\n  {what}\n  before it, with the same keys:\n{}\n  again: \
             LASTSAVE_DIFFER_SEED={}",
            self.seed,
            self.history.len(),
            quoted(words),
            history.join("\n"),
            self.seed,
        )
    }
}

fn quoted(words: &Words) -> String {
    const SHOWN_BYTES: usize = 80;
    const SHOWN_WORDS: usize = 24;
    let quote = |word: &Vec<u8>| match word.len() {
        0..=SHOWN_BYTES => format!("\"{}\"", word.escape_ascii()),
        length => format!("\"{}...\" ({length} bytes)", word[..SHOWN_BYTES].escape_ascii()),
    };
    let mut shown: Vec<String> = words.iter().take(SHOWN_WORDS).map(quote).collect();
    if words.len() > SHOWN_WORDS {
        shown.push(format!("... ({} words)", words.len()));
    }
    shown.join(" ")
}

/// A reply with its kind, for differences that the usual form does not show.
fn show_exactly(reply: &Reply) -> String {
    const SHOWN_CHARACTERS: usize = 700;
    let text = match reply {
        Reply::Bulk(_) => format!("bulk {}", show(reply)),
        Reply::Double(number) => format!("double {number}"),
        other => show(other),
    };
    text.chars().take(SHOWN_CHARACTERS).collect()
}
