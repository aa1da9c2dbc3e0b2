//! Commands at random, made from what the command table says about their arguments.

use lastsave_commands::{Argument, ArgumentKind, CommandSpec, Flags, Group, all_commands};
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::words::{self, FUTURE_SECONDS, chance, pick};

/// Commands left out, each with its reason.
const LEFT_OUT: &[(&str, &str)] = &[
    ("randomkey", "the choice is random"),
    ("spop", "the choice is random, and changes the data"),
    ("flushall", "empties everything too often; FLUSHDB does it now and then"),
    ("swapdb", "the streams stay in one database, of which a swap takes everything away"),
    ("move", "the streams stay in one database"),
    ("migrate", "needs a second server"),
    ("wait", "waits for replicas"),
    ("dump", "payloads differ by version; the streams exchange them on their own account"),
    ("restore", "as DUMP"),
    ("pfdebug", "looks into Redis' structures"),
    ("pfselftest", "takes long"),
    ("object|freq", "counters grow at random"),
    ("object|help", "the texts are compared elsewhere"),
    ("xgroup|help", "the texts are compared elsewhere"),
    ("xinfo|help", "the texts are compared elsewhere"),
];

/// Groups whose commands are about data.
const GROUPS: &[Group] = &[
    Group::String,
    Group::Generic,
    Group::List,
    Group::Set,
    Group::SortedSet,
    Group::Hash,
    Group::Stream,
    Group::HyperLogLog,
    Group::Bitmap,
    Group::Geo,
];

/// A command as the words that are sent.
pub(crate) type Words = Vec<Vec<u8>>;

/// Makes commands, the same ones from the same seed.
pub(crate) struct Generator {
    random: SmallRng,
    specs: Vec<&'static CommandSpec>,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        let mut specs = Vec::new();
        for spec in all_commands() {
            let with_subcommands = std::iter::once(spec).chain(spec.subcommands.iter());
            specs.extend(with_subcommands.filter(|spec| {
                GROUPS.contains(&spec.group)
                    && spec.subcommands.is_empty()
                    && !is_newer_than_oracle(spec.since)
                    && !LEFT_OUT.iter().any(|(name, _)| *name == spec.full_name)
            }));
        }
        Self { random: SmallRng::seed_from_u64(seed), specs }
    }

    pub(crate) fn random(&mut self) -> &mut SmallRng {
        &mut self.random
    }

    /// Names of the commands that are made.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.specs.iter().map(|spec| spec.full_name)
    }

    /// The next command: mostly as its grammar says, sometimes not.
    pub(crate) fn command(&mut self) -> Words {
        let spec = *self.specs.choose(&mut self.random).expect("there are commands");
        let mut words: Words = spec.full_name.split('|').map(|word| word.as_bytes().to_vec()).collect();
        let name_words = words.len();
        self.arguments(spec, spec.arguments, &mut words);
        adapt(spec, &mut words, &mut self.random);
        // A spoilt timeout may be for ever.
        if chance(&mut self.random, 6) && !spec.flags.has(Flags::BLOCKING) {
            self.spoil(&mut words, name_words);
        }
        // Ranks come with scores from 7.2 on.
        if matches!(spec.name, "zrank" | "zrevrank") {
            words.truncate(3);
        }
        if spec.full_name == "flushdb" && chance(&mut self.random, 90) {
            return vec![b"DBSIZE".to_vec()];
        }
        words
    }

    fn arguments(&mut self, spec: &CommandSpec, arguments: &[Argument], words: &mut Words) {
        for (index, argument) in arguments.iter().enumerate() {
            if argument.optional && !chance(&mut self.random, 35) {
                continue;
            }
            // A count of keys comes right before them, and mostly agrees.
            if argument.name == "numkeys" && arguments.get(index + 1).is_some_and(|next| next.multiple) {
                let count = self.random.random_range(1..4);
                let told = if chance(&mut self.random, 95) { count } else { self.random.random_range(0..9) };
                words.push(told.to_string().into());
                for _ in 0..count {
                    self.one(spec, &arguments[index + 1], words);
                }
                continue;
            }
            let follows_count = index > 0 && arguments[index - 1].name == "numkeys" && argument.multiple;
            if follows_count {
                continue;
            }
            let times = if argument.multiple { self.times() } else { 1 };
            for time in 0..times {
                if let Some(token) = argument.token.filter(|_| argument.kind != ArgumentKind::PureToken)
                    && (time == 0 || argument.multiple_token)
                {
                    words.push(self.token(token));
                }
                self.one(spec, argument, words);
            }
        }
    }

    fn times(&mut self) -> usize {
        match self.random.random_range(0..40) {
            0 => self.random.random_range(20..150),
            1..=8 => self.random.random_range(3..9),
            _ => self.random.random_range(1..3),
        }
    }

    fn token(&mut self, token: &str) -> Vec<u8> {
        if chance(&mut self.random, 30) { token.to_ascii_lowercase().into() } else { token.into() }
    }

    /// One occurrence of an argument, without its token.
    fn one(&mut self, spec: &CommandSpec, argument: &Argument, words: &mut Words) {
        match argument.kind {
            ArgumentKind::OneOf => {
                let choice = argument.arguments.choose(&mut self.random).expect("a choice has branches");
                self.arguments(spec, &[Argument { optional: false, ..*choice }], words);
            }
            ArgumentKind::Block => self.arguments(spec, argument.arguments, words),
            ArgumentKind::PureToken => {
                let token = self.token(argument.token.unwrap_or(argument.name));
                words.push(token);
            }
            ArgumentKind::Key => {
                let key = self.key(spec.group);
                words.push(key);
            }
            ArgumentKind::Integer => words.push(self.integer(spec, argument).into()),
            ArgumentKind::Double => words.push(self.double(argument)),
            ArgumentKind::Pattern => words.push(words::pattern(&mut self.random)),
            ArgumentKind::UnixTime => words.push(self.unix_time(argument)),
            ArgumentKind::String => words.push(self.string(spec, argument)),
        }
    }

    /// A key that holds, or will hold, what the command works on; sometimes another one.
    pub(crate) fn key(&mut self, group: Group) -> Vec<u8> {
        let kind = match group {
            _ if chance(&mut self.random, 5) => {
                pick(&mut self.random, &["s", "l", "h", "S", "z", "x", "p", "b", "g"])
            }
            Group::List => "l",
            Group::Set => "S",
            Group::SortedSet => "z",
            Group::Hash => "h",
            Group::Stream => "x",
            Group::HyperLogLog => "p",
            Group::Bitmap => "b",
            Group::Geo => "g",
            Group::String => "s",
            _ => pick(&mut self.random, &["s", "l", "h", "S", "z", "x", "p", "b", "g"]),
        };
        format!("{kind}:{}", self.random.random_range(0..4)).into()
    }

    fn integer(&mut self, spec: &CommandSpec, argument: &Argument) -> String {
        let random = &mut self.random;
        match argument.name {
            // Blocking for longer than a moment would only cost time.
            "timeout" => "0.01".to_owned(),
            "milliseconds" if spec.group == Group::Stream && argument.token == Some("BLOCK") => {
                "5".to_owned()
            }
            // Lives end long after the run.
            "seconds" if spec.full_name != "object|idletime" => {
                (1_000_000 + random.random_range(0..1000)).to_string()
            }
            "milliseconds" => (1_000_000_000 + random.random_range(0..1000)).to_string(),
            "offset" if spec.group == Group::Bitmap || spec.name == "setrange" => {
                if chance(random, 3) {
                    words::integer(random)
                } else {
                    random.random_range(0..300).to_string()
                }
            }
            "min-idle-time" => "0".to_owned(),
            "ms" | "unix-time-milliseconds" => {
                (FUTURE_SECONDS * 1000 - random.random_range(0..1000)).to_string()
            }
            "cursor" => "0".to_owned(),
            "count" if spec.name.ends_with("scan") => "100000".to_owned(),
            _ => words::integer(random),
        }
    }

    fn double(&mut self, argument: &Argument) -> Vec<u8> {
        let random = &mut self.random;
        match argument.name {
            "timeout" => b"0.01".to_vec(),
            "longitude" if !chance(random, 3) => format!("{:.4}", random.random_range(-180.0..180.0)).into(),
            "latitude" if !chance(random, 3) => format!("{:.4}", random.random_range(-86.0..86.0)).into(),
            "radius" | "width" | "height" if !chance(random, 3) => {
                random.random_range(1..9000).to_string().into()
            }
            // Equal ones now and then.
            "score" if chance(random, 50) => {
                (f64::from(random.random_range(-100_i32..100)) / 16.0).to_string().into()
            }
            _ => words::float(random),
        }
    }

    fn unix_time(&mut self, argument: &Argument) -> Vec<u8> {
        let seconds = match self.random.random_range(0..12) {
            0 => self.random.random_range(-5..5),
            _ => FUTURE_SECONDS + self.random.random_range(0..1000),
        };
        let is_milliseconds = argument.name.contains("milliseconds");
        (if is_milliseconds { seconds * 1000 } else { seconds }).to_string().into()
    }

    fn string(&mut self, spec: &CommandSpec, argument: &Argument) -> Vec<u8> {
        let random = &mut self.random;
        match (spec.group, argument.name) {
            (Group::Stream, "group") => pick(random, &["g1", "g2", "g3"]).into(),
            (Group::Stream, "consumer") => pick(random, &["alice", "bob", "carol"]).into(),
            (
                Group::Stream,
                "id" | "start" | "end" | "lastid" | "last-id" | "id-selector" | "max-deleted-id"
                | "min-idle-time",
            ) => words::stream_id(random),
            (Group::Stream, "threshold") => random.random_range(0..60).to_string().into(),
            (Group::SortedSet, "min" | "max") if spec.name.contains("lex") => words::lex_bound(random),
            (Group::SortedSet, "min" | "max") => words::score_bound(random),
            (Group::SortedSet, "start" | "stop") => match random.random_range(0..8) {
                0 => words::lex_bound(random),
                1 => words::score_bound(random),
                _ => words::integer(random).into(),
            },
            (Group::Bitmap, "encoding") => {
                pick(random, &["u8", "i8", "u1", "i16", "u63", "i64", "u64", "i5", "x"]).into()
            }
            (Group::Bitmap, "offset") => {
                let offset = random.random_range(0..200);
                if chance(random, 20) { format!("#{}", offset / 8).into() } else { offset.to_string().into() }
            }
            (Group::Generic, "pattern") => {
                pick(random, &["w_*", "h:1->f*", "s:*", "nosort", "l:*->x", "#"]).into()
            }
            (_, "increment") => words::float(random),
            (Group::String, "value") => words::value(random),
            _ => words::member(random),
        }
    }

    /// Makes a command that is probably wrong.
    fn spoil(&mut self, words: &mut Words, name_words: usize) {
        let at = self.random.random_range(name_words..=words.len());
        match self.random.random_range(0..5) {
            0 if at < words.len() => drop(words.remove(at)),
            1 if at < words.len() => words[at] = words::member(&mut self.random),
            2 => words.insert(at, words::integer(&mut self.random).into()),
            3 => words.truncate(at),
            _ => words.push(words::member(&mut self.random)),
        }
    }
}

/// Whether a command came after version 7.0.
fn is_newer_than_oracle(since: &str) -> bool {
    let mut parts = since.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next(), parts.next()) > (Some(7), Some(0))
}

/// What the grammar does not say: where the time of day or chance would decide.
fn adapt(spec: &CommandSpec, words: &mut Words, random: &mut SmallRng) {
    match spec.name {
        // Cursors differ; a scan in one go has none.
        "scan" | "sscan" | "hscan" | "zscan"
            if !words.iter().any(|word| word.eq_ignore_ascii_case(b"count")) =>
        {
            words.extend([b"COUNT".to_vec(), b"100000".to_vec()]);
        }
        // An id made from the clock would differ.
        "xadd" => {
            let found = words.iter().position(|word| word == b"*");
            if let Some(at) = found {
                words[at] = words::stream_id(random);
            }
        }
        // A negative count picks at random with repetitions; the members are compared as one picks them all.
        "srandmember" | "hrandfield" | "zrandmember" => {
            if let Some(count) = words.get_mut(2) {
                *count = random.random_range(1000..2000).to_string().into();
            }
        }
        // Ranges of members have no defined result where scores differ.
        name if name.starts_with('z')
            && (name.contains("lex") || words.iter().any(|word| word.eq_ignore_ascii_case(b"bylex"))) =>
        {
            let first = if name == "zrangestore" { 3 } else { 2 };
            for (word, end) in words.iter_mut().skip(first).zip([&b"-"[..], b"+"]) {
                *word = end.into();
            }
        }
        "expire" | "pexpire" => {
            if let Some(time) = words.get_mut(2) {
                *time = (if spec.name == "expire" { 1_000_000_i64 } else { 1_000_000_000 }
                    + random.random_range(0..1000))
                .to_string()
                .into();
            }
        }
        _ => {}
    }
}
