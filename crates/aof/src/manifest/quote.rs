//! Words of a manifest line: bare, or in quotes, by the rules of Redis' configuration files.

/// Appends `argument`, in double quotes if it holds anything that a bare word may not.
pub(super) fn push_argument(out: &mut Vec<u8>, argument: &[u8]) {
    let is_bare = |&byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'\'');
    if !argument.is_empty() && argument.iter().all(is_bare) {
        out.extend_from_slice(argument);
        return;
    }
    out.push(b'"');
    for &byte in argument {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x07 => out.extend_from_slice(b"\\a"),
            0x08 => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => out.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}

/// Splits a line into words; `None` when a quote does not end, or is followed by more than a blank.
pub(super) fn split(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return Some(words);
        }
        let (word, left) = next_word(rest)?;
        words.push(word);
        rest = left;
    }
}

fn next_word(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    while let [first, tail @ ..] = rest {
        match first {
            b' ' | b'\n' | b'\r' | b'\t' => break,
            b'"' => {
                rest = double_quoted(tail, &mut word)?;
                return ends_word(rest).then_some((word, rest));
            }
            b'\'' => {
                rest = single_quoted(tail, &mut word)?;
                return ends_word(rest).then_some((word, rest));
            }
            byte => word.push(*byte),
        }
        rest = tail;
    }
    Some((word, rest))
}

fn ends_word(rest: &[u8]) -> bool {
    rest.first().is_none_or(u8::is_ascii_whitespace)
}

fn double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'"', tail @ ..] => return Some(tail),
            [b'\\', b'x', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                word.push(hex_digit(*high) << 4 | hex_digit(*low));
                tail
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(match escaped {
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
                word.push(*byte);
                tail
            }
            [] => return None,
        };
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [b'\'', tail @ ..] => return Some(tail),
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                tail
            }
            [byte, tail @ ..] => {
                word.push(*byte);
                tail
            }
            [] => return None,
        };
    }
}

fn hex_digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        b'a'..=b'f' => character - b'a' + 10,
        _ => character - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<Vec<String>> {
        let to_text = |word: Vec<u8>| String::from_utf8(word).unwrap();
        split(line.as_bytes()).map(|words| words.into_iter().map(to_text).collect())
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(words("a  b\tc"), Some(vec!["a".into(), "b".into(), "c".into()]));
        assert_eq!(words(r#""a b" 'c\'d'"#), Some(vec!["a b".into(), "c'd".into()]));
        assert_eq!(words(r#""\x41\n\q""#), Some(vec!["A\nq".into()]));
        assert_eq!(words(r#"pre"fix""#), Some(vec!["prefix".into()]));
        assert_eq!(words(r#""open"#), None);
        assert_eq!(words(r#""closed"more"#), None);
        assert_eq!(words("'open"), None);
        assert_eq!(words("\"end\\"), None);
    }
}
