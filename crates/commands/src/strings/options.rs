//! The options that SET and GETEX share, above all those that say when a key expires.

use lastsave_resp::{ReplyBuffer, Request, parse_integer};

use crate::reply::{NOT_AN_INTEGER, Replied, SYNTAX_ERROR, error, invalid_expire_time};

/// How an expiry argument counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExpiryUnit {
    /// EX: seconds from now.
    Seconds,
    /// PX: milliseconds from now.
    Milliseconds,
    /// EXAT: unix time in seconds.
    UnixSeconds,
    /// PXAT: unix time in milliseconds.
    UnixMilliseconds,
}

/// An expiry as the client gave it; the number is checked when it is needed.
#[derive(Debug, Clone, Copy)]
pub(super) struct ExpiryOption<'a> {
    pub(super) unit: ExpiryUnit,
    pub(super) argument: &'a [u8],
}

/// Which command's options are parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    /// SET: NX, XX, GET, KEEPTTL.
    Set,
    /// GETEX: PERSIST.
    GetEx,
}

/// Options as given.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options<'a> {
    pub(super) if_missing: bool,
    pub(super) if_exists: bool,
    pub(super) get: bool,
    pub(super) keep_ttl: bool,
    pub(super) persist: bool,
    pub(super) expiry: Option<ExpiryOption<'a>>,
}

/// Parses the options from argument `from` on.
pub(super) fn parse<'a>(
    reply: &mut ReplyBuffer,
    request: Request<'a>,
    from: usize,
    syntax: Syntax,
) -> Result<Options<'a>, Replied> {
    let mut options = Options::default();
    let mut index = from;
    while index < request.len() {
        let word = request.arg(index);
        let no_ttl_word = !options.keep_ttl && !options.persist;
        if let Some(unit) = expiry_unit(word) {
            // The same unit may be repeated: the last one counts.
            let same = options.expiry.is_none_or(|expiry| expiry.unit == unit);
            let Some(argument) = request.get(index + 1).filter(|_| same && no_ttl_word) else {
                return Err(error(reply, SYNTAX_ERROR));
            };
            options.expiry = Some(ExpiryOption { unit, argument });
            index += 1;
        } else if syntax == Syntax::Set && word.eq_ignore_ascii_case(b"nx") && !options.if_exists {
            options.if_missing = true;
        } else if syntax == Syntax::Set && word.eq_ignore_ascii_case(b"xx") && !options.if_missing {
            options.if_exists = true;
        } else if syntax == Syntax::Set && word.eq_ignore_ascii_case(b"get") {
            options.get = true;
        } else if syntax == Syntax::Set && word.eq_ignore_ascii_case(b"keepttl") && options.expiry.is_none() {
            options.keep_ttl = true;
        } else if syntax == Syntax::GetEx && word.eq_ignore_ascii_case(b"persist") && options.expiry.is_none()
        {
            options.persist = true;
        } else {
            return Err(error(reply, SYNTAX_ERROR));
        }
        index += 1;
    }
    Ok(options)
}

fn expiry_unit(word: &[u8]) -> Option<ExpiryUnit> {
    const UNITS: [(&[u8], ExpiryUnit); 4] = [
        (b"ex", ExpiryUnit::Seconds),
        (b"px", ExpiryUnit::Milliseconds),
        (b"exat", ExpiryUnit::UnixSeconds),
        (b"pxat", ExpiryUnit::UnixMilliseconds),
    ];
    UNITS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, unit)| *unit)
}

/// Why an expiry is no expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InvalidExpiry {
    NotAnInteger,
    OutOfRange,
}

impl InvalidExpiry {
    /// The error reply; `command` is the command's full name.
    pub(super) fn reply(self, reply: &mut ReplyBuffer, command: &str) -> Replied {
        match self {
            Self::NotAnInteger => error(reply, NOT_AN_INTEGER),
            Self::OutOfRange => invalid_expire_time(reply, command),
        }
    }
}

impl ExpiryOption<'_> {
    /// The expiry as unix time in milliseconds.
    pub(super) fn unix_ms(&self, now_ms: i64) -> Result<i64, InvalidExpiry> {
        let number = parse_integer(self.argument).ok_or(InvalidExpiry::NotAnInteger)?;
        if number <= 0 {
            return Err(InvalidExpiry::OutOfRange);
        }
        let at = match self.unit {
            ExpiryUnit::Seconds => number.checked_mul(1000).and_then(|ms| ms.checked_add(now_ms)),
            ExpiryUnit::Milliseconds => number.checked_add(now_ms),
            ExpiryUnit::UnixSeconds => number.checked_mul(1000),
            ExpiryUnit::UnixMilliseconds => Some(number),
        };
        at.ok_or(InvalidExpiry::OutOfRange)
    }

    /// Whether the client gave a point in time rather than a distance.
    pub(super) fn is_absolute(&self) -> bool {
        matches!(self.unit, ExpiryUnit::UnixSeconds | ExpiryUnit::UnixMilliseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unit: ExpiryUnit, argument: &[u8]) -> Result<i64, InvalidExpiry> {
        ExpiryOption { unit, argument }.unix_ms(1_000_000)
    }

    #[test]
    fn expiries_become_unix_milliseconds() {
        assert_eq!(at(ExpiryUnit::Seconds, b"5"), Ok(1_005_000));
        assert_eq!(at(ExpiryUnit::Milliseconds, b"5"), Ok(1_000_005));
        assert_eq!(at(ExpiryUnit::UnixSeconds, b"5"), Ok(5000));
        assert_eq!(at(ExpiryUnit::UnixMilliseconds, b"9223372036854775807"), Ok(i64::MAX));
    }

    #[test]
    fn impossible_expiries_are_told_apart() {
        assert_eq!(at(ExpiryUnit::Seconds, b"soon"), Err(InvalidExpiry::NotAnInteger));
        for argument in [&b"0"[..], b"-1"] {
            assert_eq!(at(ExpiryUnit::UnixMilliseconds, argument), Err(InvalidExpiry::OutOfRange));
        }
        assert_eq!(at(ExpiryUnit::Seconds, b"9223372036854775807"), Err(InvalidExpiry::OutOfRange));
        assert_eq!(at(ExpiryUnit::Milliseconds, b"9223372036854775807"), Err(InvalidExpiry::OutOfRange));
        assert_eq!(at(ExpiryUnit::UnixSeconds, b"9223372036854776"), Err(InvalidExpiry::OutOfRange));
    }
}
