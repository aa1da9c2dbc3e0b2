//! Where a command's keys are among its arguments.

use lastsave_resp::{Request, parse_integer};
use smallvec::SmallVec;
use thiserror::Error;

use super::{CommandSpec, KeyFlags};

/// How the search for keys begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BeginSearch {
    /// At this argument; 0 is the command's name.
    Index(i32),
    /// After this word, searched from the given argument on (backwards from the end when negative).
    Keyword {
        /// The word, in any case.
        keyword: &'static str,
        /// Where the search starts.
        start_from: i32,
    },
    /// Not expressible.
    Unknown,
}

/// Which arguments from there on are keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindKeys {
    /// Every `step`th argument up to `last`.
    Range {
        /// Relative to the first key; when negative, relative to the number of arguments.
        last: i32,
        /// Distance between keys.
        step: i32,
        /// With `last` of -1: stop at this fraction of the arguments (0 and 1: all, 2: half).
        limit: i32,
    },
    /// As many keys as a numeric argument says.
    KeyNumber {
        /// Position of the number, relative to the begin of the search.
        number_index: i32,
        /// Position of the first key, relative to the same.
        first: i32,
        /// Distance between keys.
        step: i32,
    },
    /// Not expressible.
    Unknown,
}

/// One group of keys among a command's arguments.
#[derive(Debug, Clone, Copy)]
pub struct KeySpec {
    /// A remark for COMMAND INFO.
    pub notes: Option<&'static str>,
    /// What the command does with these keys.
    pub flags: KeyFlags,
    /// Where the search begins.
    pub begin_search: BeginSearch,
    /// Which arguments are keys.
    pub find_keys: FindKeys,
}

impl KeySpec {
    /// The first argument alone.
    #[must_use]
    pub const fn first(flags: KeyFlags) -> Self {
        Self::range(1, 0, 1, flags)
    }

    /// Arguments from `first` on, as [`FindKeys::Range`] counts them.
    #[must_use]
    pub const fn range(first: i32, last: i32, step: i32, flags: KeyFlags) -> Self {
        Self {
            notes: None,
            flags,
            begin_search: BeginSearch::Index(first),
            find_keys: FindKeys::Range { last, step, limit: 0 },
        }
    }

    /// As many keys as argument `number_at` says, from the next argument on.
    #[must_use]
    pub const fn counted(number_at: i32, flags: KeyFlags) -> Self {
        Self {
            notes: None,
            flags,
            begin_search: BeginSearch::Index(number_at),
            find_keys: FindKeys::KeyNumber { number_index: 0, first: 1, step: 1 },
        }
    }

    /// The argument after this word, searched as [`BeginSearch::Keyword`] says. More of them with [`Self::through`].
    #[must_use]
    pub const fn after_keyword(keyword: &'static str, start_from: i32, flags: KeyFlags) -> Self {
        Self {
            notes: None,
            flags,
            begin_search: BeginSearch::Keyword { keyword, start_from },
            find_keys: FindKeys::Range { last: 0, step: 1, limit: 0 },
        }
    }

    /// Keys that no rule describes; see [`CommandSpec::key_finder`].
    #[must_use]
    pub const fn unknown(flags: KeyFlags) -> Self {
        Self { notes: None, flags, begin_search: BeginSearch::Unknown, find_keys: FindKeys::Unknown }
    }

    /// The same up to `last`, as [`FindKeys::Range`] counts.
    #[must_use]
    pub const fn through(mut self, last: i32, step: i32, limit: i32) -> Self {
        self.find_keys = FindKeys::Range { last, step, limit };
        self
    }

    /// The same with a remark.
    #[must_use]
    pub const fn notes(mut self, notes: &'static str) -> Self {
        self.notes = Some(notes);
        self
    }
}

/// First key, last key and step, as COMMAND shows them and as a prefetcher needs them; all 0 for no such range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyRange {
    /// Position of the first key.
    pub first: i32,
    /// Position of the last key; negative counts from the end of the arguments.
    pub last: i32,
    /// Distance between keys.
    pub step: i32,
}

impl KeyRange {
    /// Derives the range and whether it misses something ("movable keys") from key specifications.
    pub(crate) const fn derive(specs: &[KeySpec]) -> (Self, bool) {
        let mut range = Self { first: 0, last: 0, step: 0 };
        let mut movable = false;
        let single = specs.len() == 1;
        let mut index = 0;
        while index < specs.len() {
            let spec = &specs[index];
            index += 1;
            movable = movable || spec.flags.has(KeyFlags::INCOMPLETE);
            let (BeginSearch::Index(first), FindKeys::Range { last, step, .. }) =
                (spec.begin_search, spec.find_keys)
            else {
                movable = true;
                continue;
            };
            if !single && (step != 1 || (range.last != 0 && range.last != first - 1)) {
                movable = true;
                continue;
            }
            let last_absolute = if last >= 0 { first + last } else { last };
            range.first = if range.first == 0 || first < range.first { first } else { range.first };
            // Unsigned, so that a range to the end of the arguments (negative) beats every other.
            range.last = if last_absolute as u32 > range.last as u32 { last_absolute } else { range.last };
            range.step = step;
        }
        (range, movable || (range.first == 0 && !specs.is_empty()))
    }
}

/// A key among the arguments of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPosition {
    /// Its argument, 0 being the command's name.
    pub index: usize,
    /// What the command does with it.
    pub flags: KeyFlags,
}

/// The keys of one request, in the order of the specifications.
pub type KeyPositions = SmallVec<[KeyPosition; 4]>;

/// The arguments do not fit the command's key specifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the arguments do not name the keys the command needs")]
pub struct InvalidKeys;

/// Finds the keys of a request with `count` arguments, the command's name included.
///
/// # Errors
///
/// When the arguments do not fit the specifications: the command itself would answer with an error as well.
pub fn find_keys<'a>(
    spec: &CommandSpec,
    count: usize,
    argument: &dyn Fn(usize) -> &'a [u8],
) -> Result<KeyPositions, InvalidKeys> {
    let mut keys = KeyPositions::new();
    for key_spec in spec.key_specs {
        if key_spec.flags.has(KeyFlags::NOT_KEY) {
            continue;
        }
        if let Err(invalid) = collect(key_spec, count, argument, &mut keys) {
            return spec.key_finder.map_or(Err(invalid), |find| find(count, argument));
        }
    }
    if let Some(resolve) = spec.variable_key_flags {
        for key in &mut keys {
            key.flags = resolve(count, argument);
        }
    }
    Ok(keys)
}

/// Finds the keys of a request for this command.
///
/// # Errors
///
/// As for [`find_keys`].
pub fn request_keys(spec: &CommandSpec, request: Request<'_>) -> Result<KeyPositions, InvalidKeys> {
    find_keys(spec, request.len(), &|index| request.arg(index))
}

fn collect<'a>(
    spec: &KeySpec,
    count: usize,
    argument: &dyn Fn(usize) -> &'a [u8],
    keys: &mut KeyPositions,
) -> Result<(), InvalidKeys> {
    let count = i64::try_from(count).map_err(|_| InvalidKeys)?;
    let begin = match spec.begin_search {
        BeginSearch::Index(index) => i64::from(index),
        BeginSearch::Keyword { keyword, start_from } => {
            match find_keyword(keyword, i64::from(start_from), count, argument) {
                Some(position) => position + 1,
                None => return Ok(()),
            }
        }
        BeginSearch::Unknown => return Err(InvalidKeys),
    };
    let (first, last, step) = match spec.find_keys {
        FindKeys::Range { last, step, limit } => {
            let last = match (last, limit) {
                (last, _) if last >= 0 => begin + i64::from(last),
                (last, 0) => count + i64::from(last),
                (last, limit) => begin + (count - begin) / i64::from(limit) + i64::from(last),
            };
            (begin, last, i64::from(step))
        }
        FindKeys::KeyNumber { number_index, first, step } => {
            let at = begin + i64::from(number_index);
            if at >= count {
                return Err(InvalidKeys);
            }
            let number = usize::try_from(at).ok().and_then(|at| parse_integer(argument(at)));
            // More keys than arguments is refused below; the bound keeps the sum from overflowing.
            let number = number.filter(|number| (0..=count).contains(number)).ok_or(InvalidKeys)?;
            let first = begin + i64::from(first);
            (first, first + (number - 1) * i64::from(step), i64::from(step))
        }
        FindKeys::Unknown => return Err(InvalidKeys),
    };
    if first < 1 || last < first || last >= count {
        return Err(InvalidKeys);
    }
    let mut index = first;
    while index <= last {
        keys.push(KeyPosition { index: usize::try_from(index).map_err(|_| InvalidKeys)?, flags: spec.flags });
        index += step;
    }
    if spec.flags.has(KeyFlags::INCOMPLETE) { Err(InvalidKeys) } else { Ok(()) }
}

fn find_keyword<'a>(
    keyword: &str,
    start_from: i64,
    count: i64,
    argument: &dyn Fn(usize) -> &'a [u8],
) -> Option<i64> {
    let matches = |index: &i64| {
        usize::try_from(*index).is_ok_and(|index| argument(index).eq_ignore_ascii_case(keyword.as_bytes()))
    };
    if start_from > 0 {
        // The last argument is not looked at: no key could follow it.
        (start_from..count - 1).find(matches)
    } else {
        (1..=(count + start_from).min(count - 1)).rev().find(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Group, Handler};

    fn positions(
        key_specs: &'static [KeySpec],
        arguments: &[&'static str],
    ) -> Result<Vec<usize>, InvalidKeys> {
        let spec = CommandSpec { key_specs, ..CommandSpec::new("test", Group::Generic, Handler::Container) };
        find_keys(&spec, arguments.len(), &|index| arguments[index].as_bytes())
            .map(|keys| keys.iter().map(|key| key.index).collect())
    }

    #[test]
    fn ranges_end_where_they_say() {
        const ALL: &[KeySpec] = &[KeySpec::range(1, -1, 1, KeyFlags::RO)];
        const PAIRS: &[KeySpec] = &[KeySpec::range(1, -1, 2, KeyFlags::OW)];
        assert_eq!(positions(ALL, &["mget", "a", "b", "c"]), Ok(vec![1, 2, 3]));
        assert_eq!(positions(PAIRS, &["mset", "a", "1", "b", "2"]), Ok(vec![1, 3]));
        assert_eq!(positions(ALL, &["mget"]), Err(InvalidKeys));
    }

    #[test]
    fn counted_keys_must_fit_the_arguments() {
        const COUNTED: &[KeySpec] = &[KeySpec::counted(1, KeyFlags::RO)];
        assert_eq!(positions(COUNTED, &["x", "2", "a", "b", "c"]), Ok(vec![2, 3]));
        for count in ["4", "0", "-1", "many", "9223372036854775807"] {
            assert_eq!(positions(COUNTED, &["x", count, "a", "b", "c"]), Err(InvalidKeys), "{count}");
        }
        assert_eq!(positions(COUNTED, &["x"]), Err(InvalidKeys));
    }

    #[test]
    fn keywords_are_found_from_either_end_or_not_at_all() {
        const STORE: &[KeySpec] = &[KeySpec::after_keyword("STORE", 2, KeyFlags::OW)];
        const LAST: &[KeySpec] = &[KeySpec::after_keyword("keys", -2, KeyFlags::RW).through(-1, 1, 0)];
        const HALF: &[KeySpec] = &[KeySpec::after_keyword("STREAMS", 1, KeyFlags::RO).through(-1, 1, 2)];
        assert_eq!(positions(STORE, &["x", "a", "store", "b"]), Ok(vec![3]));
        assert_eq!(positions(STORE, &["x", "store", "b"]), Ok(vec![]));
        assert_eq!(positions(LAST, &["x", "keys", "a", "KEYS", "b", "c"]), Ok(vec![4, 5]));
        assert_eq!(positions(STORE, &["x", "a", "store"]), Ok(vec![]));
        assert_eq!(positions(HALF, &["x", "count", "1", "streams", "a", "b", "0", "0"]), Ok(vec![4, 5]));
        assert_eq!(positions(HALF, &["x", "streams", "a", "b", "0"]), Ok(vec![2]));
    }

    #[test]
    fn the_finder_is_asked_where_the_specifications_fail() {
        const SPECS: &[KeySpec] = &[KeySpec::first(KeyFlags::RO), KeySpec::unknown(KeyFlags::OW)];
        fn last_argument<'a>(
            count: usize,
            _argument: &dyn Fn(usize) -> &'a [u8],
        ) -> Result<KeyPositions, InvalidKeys> {
            Ok([KeyPosition { index: count - 1, flags: KeyFlags::OW }].into_iter().collect())
        }
        let without =
            CommandSpec { key_specs: SPECS, ..CommandSpec::new("test", Group::Generic, Handler::Container) };
        let with = CommandSpec { key_finder: Some(last_argument), ..without };
        let found = |spec: &CommandSpec| find_keys(spec, 4, &|_| b"");
        assert_eq!(found(&without), Err(InvalidKeys));
        assert_eq!(found(&with).map(|keys| keys[0].index), Ok(3));
        assert_eq!(positions(SPECS, &["test", "a"]), Err(InvalidKeys));
    }

    #[test]
    fn the_plain_range_covers_adjacent_specifications() {
        const TWO: &[KeySpec] = &[KeySpec::first(KeyFlags::RW), KeySpec::range(2, 0, 1, KeyFlags::OW)];
        assert_eq!(KeyRange::derive(TWO), (KeyRange { first: 1, last: 2, step: 1 }, false));
        assert_eq!(KeyRange::derive(&[]), (KeyRange::default(), false));
        const PAIRS: &[KeySpec] = &[KeySpec::range(1, -1, 2, KeyFlags::OW)];
        assert_eq!(KeyRange::derive(PAIRS), (KeyRange { first: 1, last: -1, step: 2 }, false));
    }
}
