//! Kinds of directives: how a value of each kind is parsed, shown and rewritten.
//!
//! A kind knows nothing about which directive it belongs to; `table.rs` puts the two together.

use std::borrow::Cow;

use crate::Choice;
use crate::host::Host;
use crate::number::{format_memory, parse_c_integer, parse_integer, parse_memory};
use crate::split::quote_into;
use crate::text::Text;

/// Why a value was refused, in Redis' words.
pub(crate) type Reason = Cow<'static, str>;

/// What parsing a value may depend on besides the value.
pub(crate) struct Session<'a> {
    /// A configuration file is being read, as opposed to CONFIG SET: `save` lines add up.
    pub(crate) reading_file: bool,
    /// A `save` line was seen, so the default save points are gone already.
    pub(crate) save_points_cleared: bool,
    /// The world outside: `dir` enters a directory.
    pub(crate) host: &'a dyn Host,
    /// Things worth a line in the log.
    pub(crate) warnings: Vec<String>,
}

impl<'a> Session<'a> {
    pub(crate) fn new(host: &'a dyn Host, reading_file: bool) -> Self {
        Self { reading_file, save_points_cleared: false, host, warnings: Vec::new() }
    }
}

/// A line CONFIG REWRITE wants to have in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RewriteLine {
    /// The whole line without its end.
    pub(crate) text: Vec<u8>,
    /// Write it even if the file does not mention the directive: the value is not the default.
    pub(crate) forced: bool,
}

impl RewriteLine {
    pub(crate) fn new(name: &str, value: impl AsRef<[u8]>, forced: bool) -> Self {
        let mut text = name.as_bytes().to_vec();
        text.push(b' ');
        text.extend_from_slice(value.as_ref());
        Self { text, forced }
    }

    pub(crate) fn quoted(name: &str, value: &[u8], forced: bool) -> Self {
        let mut line = Self::new(name, "", forced);
        quote_into(&mut line.text, value);
        line
    }
}

/// How values of one kind behave.
pub(crate) trait Kind: Sync {
    /// The typed value, as the server reads it from `Config`.
    type Value: Clone + PartialEq;

    /// The value when nothing is configured.
    fn default(&self) -> Self::Value;

    /// Parses the arguments behind the directive's name.
    fn parse(
        &self,
        arguments: &[Vec<u8>],
        current: &Self::Value,
        session: &mut Session<'_>,
    ) -> Result<Self::Value, Reason>;

    /// The value as CONFIG GET shows it.
    fn show(&self, value: &Self::Value) -> Vec<u8>;

    /// The lines that bring the value back at the next start. None: lines of this directive are removed.
    fn rewrite(&self, name: &str, value: &Self::Value) -> Vec<RewriteLine>;

    /// Takes any number of arguments; otherwise exactly one.
    fn takes_many(&self) -> bool {
        false
    }

    /// The kind in one or two words, for the manual.
    fn kind_name(&self) -> &'static str;

    /// The accepted values, for the manual.
    fn accepted(&self) -> String;
}

fn first(arguments: &[Vec<u8>]) -> &[u8] {
    arguments.first().map_or(&[], Vec::as_slice)
}

/// A C string ends at its first zero byte.
fn until_zero(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or(text)
}

/// `yes` or `no`.
pub(crate) struct Flag {
    default: bool,
    /// Why `yes` is refused, if it is.
    refuse_yes: Option<&'static str>,
    /// In a file a refused `yes` is only worth a warning.
    tolerated_in_file: bool,
}

impl Flag {
    pub(crate) const fn new(default: bool) -> Self {
        Self { default, refuse_yes: None, tolerated_in_file: false }
    }

    /// A flag that cannot be switched on in this server.
    pub(crate) const fn always_no(reason: &'static str) -> Self {
        Self { default: false, refuse_yes: Some(reason), tolerated_in_file: false }
    }

    /// Lets existing files say `yes`: the value stays `no`, and the log says so.
    pub(crate) const fn tolerated_in_file(self) -> Self {
        Self { tolerated_in_file: true, ..self }
    }
}

impl Kind for Flag {
    type Value = bool;

    fn default(&self) -> bool {
        self.default
    }

    fn parse(&self, arguments: &[Vec<u8>], _: &bool, session: &mut Session<'_>) -> Result<bool, Reason> {
        let word = until_zero(first(arguments));
        if word.eq_ignore_ascii_case(b"yes") {
            match self.refuse_yes {
                None => Ok(true),
                Some(reason) if self.tolerated_in_file && session.reading_file => {
                    session.warnings.push(reason.to_owned());
                    Ok(false)
                }
                Some(reason) => Err(reason.into()),
            }
        } else if word.eq_ignore_ascii_case(b"no") {
            Ok(false)
        } else {
            Err("argument must be 'yes' or 'no'".into())
        }
    }

    fn show(&self, value: &bool) -> Vec<u8> {
        if *value { b"yes".to_vec() } else { b"no".to_vec() }
    }

    fn rewrite(&self, name: &str, value: &bool) -> Vec<RewriteLine> {
        vec![RewriteLine::new(name, self.show(value), *value != self.default)]
    }

    fn kind_name(&self) -> &'static str {
        "bool"
    }

    fn accepted(&self) -> String {
        if self.refuse_yes.is_some() { "no".into() } else { "yes, no".into() }
    }
}

/// A type that can hold a number directive's value.
pub(crate) trait Whole: Copy + PartialEq + Send + Sync + 'static {
    fn from_wide(value: i128) -> Option<Self>;
    fn to_wide(self) -> i128;
}

macro_rules! whole {
    ($($type:ty),+) => { $(
        impl Whole for $type {
            fn from_wide(value: i128) -> Option<Self> {
                Self::try_from(value).ok()
            }
            fn to_wide(self) -> i128 {
                self as i128
            }
        }
    )+ };
}

whole!(u8, u16, u32, u64, usize, i32, i64);

/// How a number is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    Integer,
    Memory,
    Octal,
}

/// A whole number within bounds.
pub(crate) struct Number<T> {
    lower: T,
    upper: i128,
    default: T,
    notation: Notation,
    /// Values outside are moved to the nearest end instead of refused.
    clamp: Option<(T, T)>,
    /// Why anything but the default is refused, if it is.
    refuse_others: Option<&'static str>,
}

/// The largest values of the C types Redis declares its numbers with; they appear in error messages.
pub(crate) const INT_MAX: i128 = i32::MAX as i128;
pub(crate) const UINT_MAX: i128 = u32::MAX as i128;
pub(crate) const LONG_MAX: i128 = i64::MAX as i128;
pub(crate) const ULONG_MAX: i128 = u64::MAX as i128;

impl<T: Copy> Number<T> {
    /// A plain decimal integer.
    pub(crate) const fn integer(lower: T, upper: i128, default: T) -> Self {
        Self { lower, upper, default, notation: Notation::Integer, clamp: None, refuse_others: None }
    }

    /// A number of bytes, with units.
    pub(crate) const fn memory(lower: T, upper: i128, default: T) -> Self {
        Self { notation: Notation::Memory, ..Self::integer(lower, upper, default) }
    }

    /// Octal permission bits.
    pub(crate) const fn octal(lower: T, upper: i128, default: T) -> Self {
        Self { notation: Notation::Octal, ..Self::integer(lower, upper, default) }
    }

    pub(crate) const fn clamped(self, lowest: T, highest: T) -> Self {
        Self { clamp: Some((lowest, highest)), ..self }
    }

    pub(crate) const fn only_default(self, reason: &'static str) -> Self {
        Self { refuse_others: Some(reason), ..self }
    }
}

impl<T: Whole> Number<T> {
    fn parse_wide(&self, text: &[u8]) -> Result<i128, Reason> {
        match self.notation {
            Notation::Integer => parse_integer(text)
                .map(i128::from)
                .ok_or(Cow::Borrowed("argument couldn't be parsed into an integer")),
            Notation::Memory => {
                parse_memory(text).map(i128::from).ok_or(Cow::Borrowed("argument must be a memory value"))
            }
            Notation::Octal => parse_c_integer(text, 8)
                .map(i128::from)
                .ok_or(Cow::Borrowed("argument couldn't be parsed as an octal number")),
        }
    }
}

impl<T: Whole> Kind for Number<T> {
    type Value = T;

    fn default(&self) -> T {
        self.default
    }

    fn parse(&self, arguments: &[Vec<u8>], _: &T, _: &mut Session<'_>) -> Result<T, Reason> {
        let wide = self.parse_wide(first(arguments))?;
        let lower = self.lower.to_wide();
        let value = T::from_wide(wide).filter(|_| (lower..=self.upper).contains(&wide)).ok_or_else(|| {
            if self.notation == Notation::Octal {
                format!("argument must be between {lower:o} and {:o} inclusive", self.upper)
            } else {
                format!("argument must be between {lower} and {} inclusive", self.upper)
            }
        })?;
        if let Some(reason) = self.refuse_others.filter(|_| value != self.default) {
            return Err(reason.into());
        }
        Ok(match self.clamp {
            Some((lowest, _)) if wide < lowest.to_wide() => lowest,
            Some((_, highest)) if wide > highest.to_wide() => highest,
            _ => value,
        })
    }

    fn show(&self, value: &T) -> Vec<u8> {
        let wide = value.to_wide();
        if self.notation == Notation::Octal { format!("{wide:o}") } else { wide.to_string() }.into_bytes()
    }

    fn rewrite(&self, name: &str, value: &T) -> Vec<RewriteLine> {
        let text = match self.notation {
            Notation::Memory => u64::try_from(value.to_wide()).map(format_memory).unwrap_or_default(),
            Notation::Integer | Notation::Octal => String::from_utf8_lossy(&self.show(value)).into_owned(),
        };
        vec![RewriteLine::new(name, text, *value != self.default)]
    }

    fn kind_name(&self) -> &'static str {
        match self.notation {
            Notation::Integer => "integer",
            Notation::Memory => "memory",
            Notation::Octal => "octal",
        }
    }

    fn accepted(&self) -> String {
        let lower = self.lower.to_wide();
        match self.notation {
            _ if self.refuse_others.is_some() => self.default.to_wide().to_string(),
            Notation::Octal => format!("{lower:o} to {:o}", self.upper),
            _ if self.upper >= INT_MAX && lower < 0 && lower <= -INT_MAX => "any".into(),
            _ if self.upper >= INT_MAX => format!("{lower} or more"),
            _ => format!("{lower} to {}", self.upper),
        }
    }
}

/// One word out of a list.
pub(crate) struct OneOf<E>(pub(crate) E);

/// Redis' message for a word that is not in the list.
pub(crate) fn not_in_list(words: impl Iterator<Item = &'static str>) -> Reason {
    let list: Vec<_> = words.collect();
    format!("argument(s) must be one of the following: {}", list.join(", ")).into()
}

impl<E: Choice> Kind for OneOf<E> {
    type Value = E;

    fn default(&self) -> E {
        self.0
    }

    fn parse(&self, arguments: &[Vec<u8>], _: &E, _: &mut Session<'_>) -> Result<E, Reason> {
        E::from_word(until_zero(first(arguments)))
            .ok_or_else(|| not_in_list(E::WORDS.iter().map(|(word, _)| *word)))
    }

    fn show(&self, value: &E) -> Vec<u8> {
        value.word().as_bytes().to_vec()
    }

    fn rewrite(&self, name: &str, value: &E) -> Vec<RewriteLine> {
        vec![RewriteLine::new(name, value.word(), *value != self.0)]
    }

    fn kind_name(&self) -> &'static str {
        "enum"
    }

    fn accepted(&self) -> String {
        E::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ")
    }
}

/// Accepts or refuses a string.
pub(crate) type Check = fn(&[u8]) -> Result<(), &'static str>;

/// A string.
pub(crate) struct Plain {
    default: &'static str,
    /// The empty string means "not set": CONFIG REWRITE leaves such a directive out.
    empty_is_unset: bool,
    /// Zero bytes belong to the value instead of ending it.
    binary: bool,
    check: Option<Check>,
}

impl Plain {
    /// A string that may be empty.
    pub(crate) const fn new(default: &'static str) -> Self {
        Self { default, empty_is_unset: false, binary: false, check: None }
    }

    /// A string that is not set by default; the empty string unsets it.
    pub(crate) const fn unset() -> Self {
        Self { empty_is_unset: true, ..Self::new("") }
    }

    /// A password: any bytes, not set by default.
    pub(crate) const fn password() -> Self {
        Self { binary: true, ..Self::unset() }
    }

    pub(crate) const fn checked(self, check: Check) -> Self {
        Self { check: Some(check), ..self }
    }
}

impl Kind for Plain {
    type Value = Text;

    fn default(&self) -> Text {
        self.default.into()
    }

    fn parse(&self, arguments: &[Vec<u8>], _: &Text, _: &mut Session<'_>) -> Result<Text, Reason> {
        let whole = first(arguments);
        let value = if self.binary { whole } else { until_zero(whole) };
        if let Some(check) = self.check {
            check(value)?;
        }
        Ok(value.into())
    }

    fn show(&self, value: &Text) -> Vec<u8> {
        value.to_vec()
    }

    fn rewrite(&self, name: &str, value: &Text) -> Vec<RewriteLine> {
        if self.empty_is_unset && value.is_empty() {
            return Vec::new();
        }
        let is_default = !self.empty_is_unset && *value == self.default;
        vec![RewriteLine::quoted(name, value, !is_default)]
    }

    fn kind_name(&self) -> &'static str {
        "string"
    }

    fn accepted(&self) -> String {
        "text".into()
    }
}
