//! Points of the past as they are typed: times and positions.

use lastsave_aof::WrittenAt;

/// A point of the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Point {
    /// A time.
    Time(Moment),
    /// A place in a file.
    Position(Place),
    /// Behind everything.
    End,
}

/// A time, as exact as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Its first millisecond, since 1970.
    pub(crate) first_ms: u64,
    /// Its last one: a time without a fraction names the whole second.
    pub(crate) last_ms: u64,
}

impl Moment {
    /// Whether something was certainly written by the end of this moment.
    pub(crate) fn includes(self, written: &WrittenAt) -> bool {
        written.not_after_ms.is_some_and(|not_after| not_after <= self.last_ms)
    }
}

/// The place in front of a record: `<number of the increment>:<offset>`, with the name of the retained set before it where
/// numbers alone do not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) set: Option<String>,
    pub(crate) sequence: i64,
    pub(crate) offset: u64,
}

impl Point {
    /// Reads a point.
    ///
    /// # Errors
    /// What would be understood.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("end") {
            return Ok(Self::End);
        }
        if let Some(place) = Place::parse(text) {
            return Ok(Self::Position(place));
        }
        Moment::parse(text).map(Self::Time).ok_or_else(|| {
            format!(
                "'{text}' is neither a position such as 3:1234, nor a time such as '2025-11-25 16:37:15', \
                 '2025-11-25T16:37:15.250+01:00' (without a zone: UTC) or 1764088635 (unix seconds), nor 'end'"
            )
        })
    }
}

impl Place {
    /// The place as it is typed. Places in bases are only for the eye: a base is a data set, and not cut.
    pub(crate) fn text(&self, is_increment: bool) -> String {
        let set = self.set.as_ref().map_or_else(String::new, |set| format!("{set}/"));
        let base = if is_increment { "" } else { "base" };
        format!("{set}{base}{}:{}", self.sequence, self.offset)
    }

    fn parse(text: &str) -> Option<Self> {
        let (set, place) = match text.rsplit_once('/') {
            Some((set, place)) => (Some(set.to_owned()), place),
            None => (None, text),
        };
        let (sequence, offset) = place.split_once(':')?;
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
        if !is_number(sequence) || !is_number(offset) {
            return None;
        }
        Some(Self { set, sequence: sequence.parse().ok()?, offset: offset.parse().ok()? })
    }
}

impl Moment {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: u64 = text.parse().ok()?;
            // Seconds have ten digits until the year 2286, milliseconds have thirteen.
            return Some(if text.len() > 11 {
                Self::exact(number)
            } else {
                Self::second(number.checked_mul(1000)?)
            });
        }
        let (date, rest) = text.split_at_checked(10)?;
        let days = days_of(date)?;
        let rest = rest.strip_prefix(['T', 't', ' ']).map_or(rest, str::trim_start);
        let (clock, zone) = split_zone(rest);
        let (clock, fraction) = match clock.split_once('.') {
            Some((clock, fraction)) => (clock, Some(milliseconds(fraction)?)),
            None => (clock, None),
        };
        let of_day = seconds_of(clock)?;
        let seconds = days * 86_400 + of_day - offset_of(zone)?;
        let first_ms = u64::try_from(seconds).ok()?.checked_mul(1000)?;
        Some(match fraction {
            Some(fraction) => Self::exact(first_ms + fraction),
            None => Self::second(first_ms),
        })
    }

    const fn exact(ms: u64) -> Self {
        Self { first_ms: ms, last_ms: ms }
    }

    const fn second(first_ms: u64) -> Self {
        Self { first_ms, last_ms: first_ms.saturating_add(999) }
    }
}

fn number(text: &str, from: i64, to: i64) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_number)?;
    (from..=to).contains(&number).then_some(number)
}

/// Days since 1970 of `2025-11-25`.
fn days_of(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let year = number(parts.next()?, 1970, 9999)?;
    let month = number(parts.next()?, 1, 12)?;
    let day = number(parts.next()?, 1, 31)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 31,
    };
    if parts.next().is_some() || day > days_in_month {
        return None;
    }
    // Years that begin in March put the leap day at their end.
    let from_march = (month + 9) % 12;
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468)
}

/// Seconds of `16`, `16:37` or `16:37:15`; midnight when nothing is given.
fn seconds_of(clock: &str) -> Option<i64> {
    if clock.is_empty() {
        return Some(0);
    }
    let mut parts = clock.split(':');
    let hour = number(parts.next()?, 0, 23)?;
    let minute = parts.next().map_or(Some(0), |text| number(text, 0, 59))?;
    let second = parts.next().map_or(Some(0), |text| number(text, 0, 59))?;
    parts.next().is_none().then_some(hour * 3600 + minute * 60 + second)
}

fn milliseconds(fraction: &str) -> Option<u64> {
    let digits = format!("{fraction:0<3}");
    (!fraction.is_empty()).then(|| number(&digits, 0, 999)).flatten()?.try_into().ok()
}

/// The time of day and what is behind it: `Z`, `UTC`, `+01:00`.
fn split_zone(rest: &str) -> (&str, &str) {
    let at = rest.find(|character: char| !matches!(character, '0'..='9' | ':' | '.')).unwrap_or(rest.len());
    let (clock, zone) = rest.split_at(at);
    (clock, zone.trim())
}

/// Seconds that a zone is ahead of UTC.
fn offset_of(zone: &str) -> Option<i64> {
    if zone.is_empty() || ["z", "utc", "gmt"].iter().any(|name| zone.eq_ignore_ascii_case(name)) {
        return Some(0);
    }
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() == 4 => digits.split_at_checked(2)?,
        None => (digits, "0"),
    };
    Some(sign * (number(hours, 0, 23)? * 3600 + number(minutes, 0, 59)? * 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::utc_ms;

    fn time(text: &str) -> Option<(u64, u64)> {
        match Point::parse(text) {
            Ok(Point::Time(moment)) => Some((moment.first_ms, moment.last_ms)),
            _ => None,
        }
    }

    #[test]
    fn times_are_read_in_their_usual_forms() {
        let second = Some((1_764_088_635_000, 1_764_088_635_999));
        for text in [
            "2025-11-25 16:37:15",
            "2025-11-25T16:37:15Z",
            "2025-11-25 16:37:15 UTC",
            "2025-11-25T17:37:15+01:00",
            "2025-11-25T17:37:15+0100",
            "2025-11-25 11:37:15 -05",
            "1764088635",
        ] {
            assert_eq!(time(text), second, "{text}");
        }
        for text in ["2025-11-25 16:37:15.25", "2025-11-25T16:37:15.250Z", "1764088635250"] {
            assert_eq!(time(text), Some((1_764_088_635_250, 1_764_088_635_250)), "{text}");
        }
        assert_eq!(time("2025-11-25"), time("2025-11-25 00:00:00"));
        assert_eq!(time("2024-02-29 12:34"), Some((1_709_210_040_000, 1_709_210_040_999)));
    }

    #[test]
    fn positions_are_told_from_times() {
        let place = |set: Option<&str>, sequence, offset| {
            Ok(Point::Position(Place { set: set.map(str::to_owned), sequence, offset }))
        };
        assert_eq!(Point::parse("3:1234"), place(None, 3, 1234));
        assert_eq!(Point::parse("1764088635250/3:1234"), place(Some("1764088635250"), 3, 1234));
        assert_eq!(Point::parse("END"), Ok(Point::End));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "yesterday",
            "2025-13-01",
            "2025-02-29",
            "2025-11-25 24:00:00",
            "2025-11-25 16:37:15.1234",
            "2025-11-25 16:37:15 CET",
            "3:",
            ":3",
            "3:x",
            "16:37:15",
            "2025-11-25 1:2:3:4",
        ] {
            assert!(Point::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(ms in 0_u64..253_402_300_799_999) {
            prop_assert_eq!(time(&utc_ms(ms)), Some((ms, ms)));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Point::parse(&text);
        }
    }
}
