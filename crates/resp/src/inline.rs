//! Inline commands: one line, words separated by blanks, with shell-like quoting.

use crate::batch::Span;
use crate::error::ProtocolError;

/// Blanks between words (`isspace` of the C locale).
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// What ends an unquoted word. Vertical tab and form feed do not, although they are skipped between words: so does
/// Redis read them.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0)
}

/// Splits a line into words by Redis' quoting rules, as inline commands, configuration files and `redis-cli` use them.
///
/// In double quotes `\n \r \t \b \a \xHH` stand for bytes and a backslash before anything else for that itself; in
/// single quotes only `\'` is special. A closing quote must be followed by a blank or the end.
///
/// # Errors
/// [`ProtocolError::UnbalancedQuotes`] for an open quote or for text right behind a closing one.
///
/// ```
/// use lastsave_resp::split_arguments;
/// assert_eq!(split_arguments(br#"SET key "a\x41\n" 'it\'s'"#).unwrap(), [&b"SET"[..], b"key", b"aA\n", b"it's"]);
/// ```
pub fn split_arguments(line: &[u8]) -> Result<Vec<Vec<u8>>, ProtocolError> {
    let (mut text, mut spans) = (Vec::new(), Vec::new());
    split_into(line, &mut text, &mut spans)?;
    Ok(spans.iter().map(|span| span.of(&text).to_vec()).collect())
}

/// Appends the words of `line` to `text` and their spans (within `text`) to `spans`.
pub(crate) fn split_into(
    line: &[u8],
    text: &mut Vec<u8>,
    spans: &mut Vec<Span>,
) -> Result<(), ProtocolError> {
    let mut rest = line;
    loop {
        let blanks = rest.iter().take_while(|byte| is_blank(**byte)).count();
        rest = &rest[blanks..];
        // A NUL ends the line, as it ends a C string.
        if matches!(rest.first(), None | Some(0)) {
            return Ok(());
        }
        let start = text.len();
        rest = word(rest, text)?;
        spans.push(Span { start, end: text.len() });
    }
}

/// Appends the word at the start of `rest` to `text`; returns what follows it.
fn word<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    loop {
        match *rest {
            [] => return Ok(rest),
            [byte, ..] if ends_word(byte) => return Ok(rest),
            [b'"', ref tail @ ..] => return closed(double_quoted(tail, text)?),
            [b'\'', ref tail @ ..] => return closed(single_quoted(tail, text)?),
            [byte, ref tail @ ..] => {
                text.push(byte);
                rest = tail;
            }
        }
    }
}

/// Checks what follows a closing quote.
fn closed(rest: &[u8]) -> Result<&[u8], ProtocolError> {
    match rest.first() {
        Some(byte) if !is_blank(*byte) && *byte != 0 => Err(ProtocolError::UnbalancedQuotes),
        _ => Ok(rest),
    }
}

fn double_quoted<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    loop {
        match *rest {
            [b'\\', b'x', high, low, ref tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                text.push(hex_value(high) << 4 | hex_value(low));
                rest = tail;
            }
            [b'\\', byte, ref tail @ ..] if byte != 0 => {
                text.push(match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => other,
                });
                rest = tail;
            }
            [b'"', ref tail @ ..] => return Ok(tail),
            [] | [0, ..] => return Err(ProtocolError::UnbalancedQuotes),
            [byte, ref tail @ ..] => {
                text.push(byte);
                rest = tail;
            }
        }
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], text: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    loop {
        match *rest {
            [b'\\', b'\'', ref tail @ ..] => {
                text.push(b'\'');
                rest = tail;
            }
            [b'\'', ref tail @ ..] => return Ok(tail),
            [] | [0, ..] => return Err(ProtocolError::UnbalancedQuotes),
            [byte, ref tail @ ..] => {
                text.push(byte);
                rest = tail;
            }
        }
    }
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<&[&str]>) {
        let words = split_arguments(line.as_bytes()).ok();
        let expected =
            expected.map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(words, expected, "{line:?}");
    }

    #[test]
    fn words_and_quotes() {
        check("", Some(&[]));
        check(" \t\x0b\x0c ", Some(&[]));
        check("a b", Some(&["a", "b"]));
        check("a\x0bb \x0bc", Some(&["a\x0bb", "c"]));
        check(r#""""#, Some(&[""]));
        check("''", Some(&[""]));
        check(r#""a b" 'c d'"#, Some(&["a b", "c d"]));
        check(r#"pre"quoted x""#, Some(&["prequoted x"]));
        check(r#""\x41\X\x4z\n\r\t\b\a\"\\""#, Some(&["AXx4z\n\r\t\x08\x07\"\\"]));
        check(r"'a\'b\n'", Some(&[r"a'b\n"]));
        check("a\0b", Some(&["a"]));
    }

    #[test]
    fn unbalanced_quotes_are_refused() {
        for line in [r#"""#, "'", r#""a"b"#, "'a'b", r#"a ""#, r#""\"#, r#""a\""#, r"'\'", "\"a\0\""] {
            check(line, None);
        }
    }
}
