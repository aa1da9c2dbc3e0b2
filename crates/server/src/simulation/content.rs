//! Values by their fingerprints: two that are told by the same commands are the same, whatever their encoding.
//!
//! Keys and fields of hashes whose time has come may be there or not: a log keeps them until it is told that they are
//! gone, a snapshot leaves them out. So a fingerprint is that of a moment.

use lastsave_commands::rewrite_commands;
use lastsave_keyspace::{Entry, IntegerBuffer, Value};

/// A value, by its fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    /// What lasts.
    hash: u64,
    kind: char,
    /// Bytes of a string, elements of a collection.
    size: usize,
    expires_at_ms: Option<i64>,
    /// Fields that expire: their fingerprints and times.
    expiring: Vec<(u64, i64)>,
    /// There is something in it that does not expire.
    has_lasting: bool,
    /// The commands that make it, for people; empty unless asked for.
    told: String,
}

/// What is compared of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Precision {
    /// The counters of streams, which old versions of the RDB format do not hold.
    pub(super) counters_of_streams: bool,
    /// Keep the commands that make a collection, for reports.
    pub(super) is_wordy: bool,
}

impl Content {
    /// Looks at a value.
    pub(super) fn of(entry: &Entry<'_>, precision: Precision) -> Self {
        let value = entry.value();
        let mut content = Self {
            hash: 0,
            kind: kind_of(&value),
            size: 0,
            expires_at_ms: entry.expires_at_ms(),
            expiring: Vec::new(),
            has_lasting: true,
            told: String::new(),
        };
        if let Value::String(text) = &value {
            let mut buffer = IntegerBuffer::new();
            let bytes = text.to_text(&mut buffer);
            content.size = bytes.len();
            content.hash = fingerprint(bytes);
            return content;
        }
        content.read_commands(entry, precision);
        content
    }

    /// Takes a collection by the commands that make it.
    fn read_commands(&mut self, entry: &Entry<'_>, precision: Precision) {
        let mut fields: Vec<(u64, u64)> = Vec::new();
        let told =
            rewrite_commands(entry, &mut |command: &[&[u8]]| -> Result<(), std::convert::Infallible> {
                if precision.is_wordy {
                    let words: Vec<String> = command.iter().map(|word| shorten(word)).collect();
                    self.told.push_str(&format!("\n          {}", words.join(" ")));
                }
                match command[0] {
                    b"RPUSH" => {
                        self.size += command.len() - 2;
                        self.hash =
                            command[2..].iter().fold(self.hash, |hash, element| follow(hash, element));
                    }
                    b"SADD" => {
                        self.size += command.len() - 2;
                        let members = command[2..].iter().map(|member| fingerprint(member));
                        self.hash = members.fold(self.hash, u64::wrapping_add);
                    }
                    b"ZADD" => {
                        let (pairs, _) = command[2..].as_chunks::<2>();
                        self.size += pairs.len();
                        let elements = pairs.iter().map(|[score, member]| follow(fingerprint(score), member));
                        self.hash = elements.fold(self.hash, u64::wrapping_add);
                    }
                    b"HMSET" => {
                        let (pairs, _) = command[2..].as_chunks::<2>();
                        let pairs =
                            pairs.iter().map(|[field, value]| (fingerprint(field), fingerprint(value)));
                        fields.extend(pairs);
                    }
                    b"HPEXPIREAT" => self.take_expiry(command, &mut fields),
                    b"PEXPIREAT" => {}
                    _ => self.read_stream_command(command, precision),
                }
                Ok(())
            });
        match told {
            Ok(()) => {}
        }
        self.size += fields.len() + self.expiring.len();
        self.has_lasting = self.kind != 'h' || !fields.is_empty();
        self.hash = fields
            .iter()
            .fold(self.hash, |hash, (field, value)| hash.wrapping_add(mix(field ^ value.rotate_left(32))));
    }

    /// `HPEXPIREAT key at FIELDS 1 field`: the field is one of those that do not last.
    fn take_expiry(&mut self, command: &[&[u8]], fields: &mut Vec<(u64, u64)>) {
        let at_ms = std::str::from_utf8(command[2]).ok().and_then(|text| text.parse().ok());
        let at_ms: i64 = at_ms.expect("a time is a number");
        let name = fingerprint(command[5]);
        let index = fields.iter().position(|(field, _)| *field == name).expect("what expires is a field");
        let (field, value) = fields.swap_remove(index);
        self.expiring.push((mix(field ^ value.rotate_left(32) ^ mix(at_ms as u64)), at_ms));
    }

    fn read_stream_command(&mut self, command: &[&[u8]], precision: Precision) {
        let hash_of = |arguments: &[&[u8]]| arguments.iter().fold(0, |hash, argument| follow(hash, argument));
        match command[0] {
            b"XADD" => {
                self.size += 1;
                self.hash = follow(self.hash, &hash_of(&command[2..]).to_le_bytes());
            }
            b"XSETID" if !precision.counters_of_streams => {
                self.hash = self.hash.wrapping_add(hash_of(&command[2..3]));
            }
            // What Redis' log does not tell, ours does not: how many entries a group has read, and consumers that have
            // nothing.
            b"XGROUP" if command[1] == b"CREATE" => {
                self.hash = self.hash.wrapping_add(hash_of(&command[3..5]));
            }
            b"XGROUP" => {}
            // Consumers are told in the order in which they came, which does not outlive a snapshot.
            _ => self.hash = self.hash.wrapping_add(hash_of(&[&command[..1], &command[2..]].concat())),
        }
    }

    /// Stands for what is there at a moment; zero when nothing is.
    pub(super) fn fingerprint_at(&self, now_ms: i64) -> u64 {
        if self.expires_at_ms.is_some_and(|at| at <= now_ms) {
            return 0;
        }
        let alive = self.expiring.iter().filter(|(_, at)| *at > now_ms);
        if !self.has_lasting && alive.clone().next().is_none() {
            return 0;
        }
        let hash = alive.fold(self.hash, |hash, (field, _)| hash.wrapping_add(*field));
        let expiry = self.expires_at_ms.map_or(0, |at| at as u64 | 1 << 63);
        mix(hash ^ mix(expiry ^ u64::from(self.kind)))
    }

    /// The first moment at which something of it goes.
    pub(super) fn changes_at_ms(&self) -> i64 {
        let fields = self.expiring.iter().map(|(_, at)| *at);
        fields.chain(self.expires_at_ms).min().unwrap_or(i64::MAX)
    }

    /// For people.
    pub(super) fn describe(&self) -> String {
        let expiry = self.expires_at_ms.map_or(String::new(), |at| format!(", expires at {at}"));
        let fields = match self.expiring.len() {
            0 => String::new(),
            count => format!(", {count} fields expire from {} on", self.changes_at_ms()),
        };
        let hash = self.fingerprint_at(i64::MIN);
        format!("{}{} ({hash:016x}{expiry}{fields}){}", self.kind, self.size, self.told)
    }
}

fn shorten(word: &[u8]) -> String {
    match word.len() {
        0..=40 => word.escape_ascii().to_string(),
        length => format!("<{length} bytes>"),
    }
}

fn kind_of(value: &Value<'_>) -> char {
    match value {
        Value::String(_) => 's',
        Value::List(_) => 'l',
        Value::Hash(_) => 'h',
        Value::Set(_) => 'S',
        Value::SortedSet(_) => 'z',
        Value::Stream(_) => 'x',
        other => unreachable!("{other:?} is of no known type"),
    }
}

/// The fingerprint of a sequence and one more element.
fn follow(hash: u64, element: &[u8]) -> u64 {
    mix(hash.rotate_left(17) ^ fingerprint(element)).wrapping_add(1)
}

/// A hash that is fast on long values and the same in every run.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut hash = mix(bytes.len() as u64);
    for word in words {
        hash = (hash.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(hash ^ u64::from_le_bytes(last))
}

/// Spreads the bits of a number.
pub(super) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
