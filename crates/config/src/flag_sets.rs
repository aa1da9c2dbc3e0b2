//! Directives that are sets of flags: `notify-keyspace-events`, `shutdown-on-sigint`, `shutdown-on-sigterm`.

use crate::kind::{Kind, Reason, RewriteLine, Session, not_in_list};

/// Which keyspace events are published, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct KeyspaceEvents(u16);

macro_rules! events {
    ($( $(#[$doc:meta])* $name:ident = $bit:literal, $letter:literal; )+) => {
        impl KeyspaceEvents {
            $( $(#[$doc])* pub const $name: Self = Self(1 << $bit); )+

            const LETTERS: &'static [(u8, Self)] = &[ $( ($letter, Self::$name), )+ ];
        }
    };
}

events! {
    /// `K`: publish in `__keyspace@<db>__` channels.
    KEYSPACE = 0, b'K';
    /// `E`: publish in `__keyevent@<db>__` channels.
    KEYEVENT = 1, b'E';
    /// `g`: commands of no type, such as DEL and EXPIRE.
    GENERIC = 2, b'g';
    /// `$`: strings.
    STRING = 3, b'$';
    /// `l`: lists.
    LIST = 4, b'l';
    /// `s`: sets.
    SET = 5, b's';
    /// `h`: hashes.
    HASH = 6, b'h';
    /// `z`: sorted sets.
    ZSET = 7, b'z';
    /// `x`: a key expired.
    EXPIRED = 8, b'x';
    /// `e`: a key was evicted.
    EVICTED = 9, b'e';
    /// `t`: streams.
    STREAM = 10, b't';
    /// `m`: a key was asked for and missing.
    KEY_MISS = 11, b'm';
    /// `d`: modules.
    MODULE = 12, b'd';
    /// `n`: a key was created.
    NEW = 13, b'n';
}

impl KeyspaceEvents {
    /// `A`: every class but `m` and `n`.
    pub const ALL: Self = Self(
        Self::GENERIC.0
            | Self::STRING.0
            | Self::LIST.0
            | Self::SET.0
            | Self::HASH.0
            | Self::ZSET.0
            | Self::EXPIRED.0
            | Self::EVICTED.0
            | Self::STREAM.0
            | Self::MODULE.0,
    );

    /// Whether every flag of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Reads the letters users write; `None` for an unknown one.
    pub fn from_letters(letters: &[u8]) -> Option<Self> {
        letters.iter().try_fold(Self::default(), |set, letter| {
            let flag = if *letter == b'A' {
                Self::ALL
            } else {
                Self::LETTERS.iter().find(|(known, _)| known == letter)?.1
            };
            Some(set.union(flag))
        })
    }

    /// The letters as CONFIG GET shows them. Like Redis it does not show `n` beside `A`.
    pub fn letters(self) -> String {
        self.letters_with(if self.contains(Self::ALL) { b"" } else { b"g$lshzxetdn" })
    }

    /// The letters as CONFIG REWRITE writes them: nothing is lost.
    fn all_letters(self) -> String {
        self.letters_with(if self.contains(Self::ALL) { b"n" } else { b"g$lshzxetdn" })
    }

    fn letters_with(self, classes: &[u8]) -> String {
        let all: &[u8] = if self.contains(Self::ALL) { b"A" } else { b"" };
        let is_set =
            |letter: &u8| Self::LETTERS.iter().any(|(known, flag)| known == letter && self.contains(*flag));
        let shown = classes.iter().chain(b"KEm").copied().filter(is_set);
        all.iter().copied().chain(shown).map(char::from).collect()
    }
}

pub(crate) struct KeyspaceEventsKind;

impl Kind for KeyspaceEventsKind {
    type Value = KeyspaceEvents;

    fn default(&self) -> KeyspaceEvents {
        KeyspaceEvents::default()
    }

    fn parse(
        &self,
        arguments: &[Vec<u8>],
        _: &KeyspaceEvents,
        _: &mut Session<'_>,
    ) -> Result<KeyspaceEvents, Reason> {
        let [letters] = arguments else { return Err("wrong number of arguments".into()) };
        let letters = letters.split(|&byte| byte == 0).next().unwrap_or_default();
        KeyspaceEvents::from_letters(letters)
            .ok_or(Reason::Borrowed("Invalid event class character. Use 'Ag$lshzxeKEtmdn'."))
    }

    fn show(&self, value: &KeyspaceEvents) -> Vec<u8> {
        value.letters().into_bytes()
    }

    fn rewrite(&self, name: &str, value: &KeyspaceEvents) -> Vec<RewriteLine> {
        vec![RewriteLine::quoted(name, value.all_letters().as_bytes(), !value.is_empty())]
    }

    fn kind_name(&self) -> &'static str {
        "special"
    }

    fn accepted(&self) -> String {
        "letters out of `Ag$lshzxeKEtmdn`; `\"\"` for none".into()
    }
}

/// What a signal that ends the server does besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct ShutdownFlags {
    /// Save even without save points.
    pub save: bool,
    /// Do not save.
    pub nosave: bool,
    /// Do not wait for lagging replicas.
    pub now: bool,
    /// Leave even if saving fails.
    pub force: bool,
}

pub(crate) struct ShutdownFlagsKind;

const SHUTDOWN_WORDS: [&str; 5] = ["default", "save", "nosave", "now", "force"];

impl Kind for ShutdownFlagsKind {
    type Value = ShutdownFlags;

    fn default(&self) -> ShutdownFlags {
        ShutdownFlags::default()
    }

    fn parse(
        &self,
        arguments: &[Vec<u8>],
        _: &ShutdownFlags,
        _: &mut Session<'_>,
    ) -> Result<ShutdownFlags, Reason> {
        let refused = || not_in_list(SHUTDOWN_WORDS.into_iter());
        if arguments.is_empty() {
            return Err(refused());
        }
        let mut flags = ShutdownFlags::default();
        for argument in arguments {
            match argument.to_ascii_lowercase().as_slice() {
                b"default" => {}
                b"save" => flags.save = true,
                b"nosave" => flags.nosave = true,
                b"now" => flags.now = true,
                b"force" => flags.force = true,
                _ => return Err(refused()),
            }
        }
        if flags.save && flags.nosave {
            return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
        }
        Ok(flags)
    }

    fn show(&self, value: &ShutdownFlags) -> Vec<u8> {
        let set = [value.save, value.nosave, value.now, value.force];
        let words: Vec<_> =
            SHUTDOWN_WORDS[1..].iter().zip(set).filter(|(_, set)| *set).map(|(word, _)| *word).collect();
        if words.is_empty() { b"default".to_vec() } else { words.join(" ").into_bytes() }
    }

    fn rewrite(&self, name: &str, value: &ShutdownFlags) -> Vec<RewriteLine> {
        vec![RewriteLine::new(name, self.show(value), *value != ShutdownFlags::default())]
    }

    fn takes_many(&self) -> bool {
        true
    }

    fn kind_name(&self) -> &'static str {
        "special"
    }

    fn accepted(&self) -> String {
        "default, or any of save, nosave, now, force".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_shown_in_the_order_of_redis() {
        let shown =
            |letters: &str| KeyspaceEvents::from_letters(letters.as_bytes()).map(KeyspaceEvents::letters);
        assert_eq!(shown("KEA").as_deref(), Some("AKE"));
        assert_eq!(shown("Em$g").as_deref(), Some("g$Em"));
        assert_eq!(shown("An").as_deref(), Some("A"));
        assert_eq!(shown("nK").as_deref(), Some("nK"));
        assert_eq!(shown("g$lshzxetd").as_deref(), Some("A"));
        assert_eq!(shown("q"), None);
        assert_eq!(shown("").as_deref(), Some(""));
    }
}
