//! The timeouts of commands that wait for a key.

use lastsave_resp::{ReplyBuffer, parse_integer};

use crate::long_double::LongDouble;
use crate::reply::{Replied, error};

const OUT_OF_RANGE: &str = "ERR timeout is out of range";
const NEGATIVE: &str = "ERR timeout is negative";

/// A timeout in seconds, possibly with a fraction, or an error: milliseconds, rounded up; `None` for ever, which is 0.
pub(crate) fn seconds_argument(
    reply: &mut ReplyBuffer,
    argument: &[u8],
    now_ms: i64,
) -> Result<Option<u64>, Replied> {
    const NOT_A_TIMEOUT: &str = "ERR timeout is not a float or out of range";
    let seconds = LongDouble::parse(argument).ok_or_else(|| error(reply, NOT_A_TIMEOUT))?;
    let milliseconds = (seconds.to_f64() * 1000.0).ceil();
    if milliseconds > i64::MAX as f64 {
        return Err(error(reply, OUT_OF_RANGE));
    }
    // What is below the range becomes its lowest number, which is negative too.
    checked(reply, milliseconds as i64, now_ms)
}

/// A timeout in milliseconds, or an error; `None` for ever, which is 0.
pub(crate) fn milliseconds_argument(
    reply: &mut ReplyBuffer,
    argument: &[u8],
    now_ms: i64,
) -> Result<Option<u64>, Replied> {
    const NOT_A_TIMEOUT: &str = "ERR timeout is not an integer or out of range";
    let milliseconds = parse_integer(argument).ok_or_else(|| error(reply, NOT_A_TIMEOUT))?;
    checked(reply, milliseconds, now_ms)
}

fn checked(reply: &mut ReplyBuffer, milliseconds: i64, now_ms: i64) -> Result<Option<u64>, Replied> {
    if milliseconds.checked_add(now_ms).is_none() {
        return Err(error(reply, OUT_OF_RANGE));
    }
    match u64::try_from(milliseconds) {
        Err(_) => Err(error(reply, NEGATIVE)),
        Ok(0) => Ok(None),
        Ok(milliseconds) => Ok(Some(milliseconds)),
    }
}

#[cfg(test)]
mod tests {
    use lastsave_resp::Protocol;

    use super::*;

    fn seconds(text: &str) -> Result<Option<u64>, String> {
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        let result = seconds_argument(&mut reply, text.as_bytes(), 1_700_000_000_000);
        result.map_err(|Replied| String::from_utf8_lossy(&reply.to_vec()).trim_end().to_owned())
    }

    #[test]
    fn seconds_become_milliseconds_rounded_up() {
        for (text, expected) in [
            ("0", None),
            ("-0", None),
            ("0.001", Some(1)),
            ("0.0001", Some(1)),
            ("1.5", Some(1500)),
            ("0x1p-1", Some(500)),
            ("10", Some(10_000)),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_timeout_is_refused() {
        for (text, expected) in [
            ("", "-ERR timeout is not a float or out of range"),
            ("abc", "-ERR timeout is not a float or out of range"),
            ("nan", "-ERR timeout is not a float or out of range"),
            ("-1", "-ERR timeout is negative"),
            ("-inf", "-ERR timeout is negative"),
            ("inf", "-ERR timeout is out of range"),
            ("1e30", "-ERR timeout is out of range"),
            ("9223372036854775", "-ERR timeout is out of range"),
        ] {
            assert_eq!(seconds(text), Err(expected.to_owned()), "{text}");
        }
    }
}
