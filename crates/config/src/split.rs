//! The quoting rules shared by redis.conf, the command line and inline commands: how a line is split into
//! arguments, and how one argument is quoted so that splitting gives it back.
//!
//! Pure functions on bytes; this file depends on nothing else in the crate.

use thiserror::Error;

/// A quote was opened and not closed, or something other than a blank follows a closing quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unbalanced quotes")]
pub struct UnbalancedQuotes;

/// Splits one line into arguments.
///
/// Blanks separate arguments. Inside double quotes `\n \r \t \b \a`, `\xHH` and a backslash before any other
/// byte are escapes; inside single quotes only `\'` is. A closing quote must be followed by a blank or the
/// end. A quote may open in the middle of an argument. A zero byte ends the line. An empty line gives no
/// argument.
///
/// ```
/// # use lastsave_config::split_args;
/// assert_eq!(split_args(br#"set "a b" 'c'"#).unwrap(), [b"set".to_vec(), b"a b".to_vec(), b"c".to_vec()]);
/// assert!(split_args(b"\"open").is_err());
/// ```
pub fn split_args(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let end = line.iter().position(|&byte| byte == 0).unwrap_or(line.len());
    let mut rest = &line[..end];
    let mut arguments = Vec::new();
    loop {
        while let [first, tail @ ..] = rest
            && is_space(*first)
        {
            rest = tail;
        }
        if rest.is_empty() {
            return Ok(arguments);
        }
        let mut argument = Vec::new();
        rest = take_argument(rest, &mut argument)?;
        arguments.push(argument);
    }
}

/// Reads one argument from the start of `rest` and returns what follows it.
fn take_argument<'a>(mut rest: &'a [u8], argument: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        match rest {
            [] => return Ok(rest),
            [b' ' | b'\n' | b'\r' | b'\t', tail @ ..] => return Ok(tail),
            [b'"', tail @ ..] => return after_quote(take_double_quoted(tail, argument)?),
            [b'\'', tail @ ..] => return after_quote(take_single_quoted(tail, argument)?),
            [byte, tail @ ..] => {
                argument.push(*byte);
                rest = tail;
            }
        }
    }
}

fn take_double_quoted<'a>(mut rest: &'a [u8], argument: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        rest = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                argument.push(hex_digit(*high) * 16 + hex_digit(*low));
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                argument.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                tail
            }
            [byte, tail @ ..] => {
                argument.push(*byte);
                tail
            }
        }
    }
}

fn take_single_quoted<'a>(mut rest: &'a [u8], argument: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        rest = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'\'', tail @ ..] => return Ok(tail),
            [b'\\', b'\'', tail @ ..] => {
                argument.push(b'\'');
                tail
            }
            [byte, tail @ ..] => {
                argument.push(*byte);
                tail
            }
        }
    }
}

/// A closing quote ends the argument and must be followed by a blank or by nothing.
fn after_quote(rest: &[u8]) -> Result<&[u8], UnbalancedQuotes> {
    match rest {
        [] => Ok(rest),
        [byte, tail @ ..] if is_space(*byte) => Ok(tail),
        _ => Err(UnbalancedQuotes),
    }
}

/// `isspace` of the C locale.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte - b'A' + 10,
    }
}

/// Appends `value` in double quotes, escaped so that [`split_args`] gives exactly `value` back.
pub fn quote_into(out: &mut Vec<u8>, value: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in value {
        match byte {
            b'\\' | b'"' => out.extend([b'\\', byte]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            0x07 => out.extend(b"\\a"),
            0x08 => out.extend(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend([b'\\', b'x', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
    out.push(b'"');
}

/// [`quote_into`] a fresh vector.
pub fn quote(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 2);
    quote_into(&mut out, value);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Option<Vec<String>> {
        let arguments = split_args(line.as_bytes()).ok()?;
        Some(arguments.iter().map(|argument| String::from_utf8_lossy(argument).into_owned()).collect())
    }

    #[test]
    fn splits_as_redis_does() {
        let cases: &[(&str, Option<&[&str]>)] = &[
            ("", Some(&[])),
            ("  \t\x0b ", Some(&[])),
            ("a b  c\t", Some(&["a", "b", "c"])),
            ("a\x0bb", Some(&["a\x0bb"])),
            (r#""""#, Some(&[""])),
            (r#"x"y z""#, Some(&["xy z"])),
            (r#""a"b"#, None),
            (r#"'a'b"#, None),
            (r#""a"#, None),
            ("'a", None),
            (r#"'a\'b' c"#, Some(&["a'b", "c"])),
            (r#"'a\nb'"#, Some(&["a\\nb"])),
            (r#""\x41\n\q\\\"""#, Some(&["A\nq\\\""])),
            (r#""\x4""#, Some(&["x4"])),
            (r#""a\"#, None),
            ("a\0b c", Some(&["a"])),
            ("\"a\"\x0bb", Some(&["a", "b"])),
        ];
        for (line, expected) in cases {
            let expected = expected.map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(split(line), expected, "{line:?}");
        }
    }

    #[test]
    fn quotes_every_byte_reversibly() {
        let all: Vec<u8> = (1..=255).collect();
        assert_eq!(split_args(&quote(&all)), Ok(vec![all]));
        assert_eq!(quote(b"a\"\n\x01"), b"\"a\\\"\\n\\x01\"");
    }
}
