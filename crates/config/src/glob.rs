//! Redis' glob matcher, used by CONFIG GET, KEYS, SCAN and pattern subscriptions.
//!
//! Self-contained. Linear in memory and at most `pattern * text` steps: only the last `*` is ever retried.

/// Whether `text` matches `pattern`.
///
/// `*` any run, `?` one byte, `[abc]`, `[a-z]`, `[^a]` classes (ends may be swapped; a class left open ends
/// with the pattern), `\` takes the next byte literally. With `nocase` ASCII letters match both cases, except
/// bytes escaped inside a class. As in Redis, nothing but an empty pattern matches an empty text: the callers
/// treat a lone `*` as "everything" themselves.
///
/// ```
/// # use lastsave_config::glob_match;
/// assert!(glob_match(b"h[a-e]llo*", b"hello world", false));
/// assert!(!glob_match(b"h[^e]llo", b"hello", false));
/// ```
pub fn glob_match(pattern: &[u8], text: &[u8], nocase: bool) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on after a mismatch: behind the last star, one byte further in the text.
    let mut retry: Option<(usize, usize)> = None;
    while at_text < text.len() {
        if pattern.get(at_pattern) == Some(&b'*') {
            while pattern.get(at_pattern) == Some(&b'*') {
                at_pattern += 1;
            }
            if at_pattern == pattern.len() {
                return true;
            }
            retry = Some((at_pattern, at_text));
            continue;
        }
        match match_one(&pattern[at_pattern..], text[at_text], nocase) {
            Some(used) => {
                at_pattern += used;
                at_text += 1;
            }
            None => {
                let Some((star_pattern, star_text)) = retry else { return false };
                at_pattern = star_pattern;
                at_text = star_text + 1;
                retry = Some((star_pattern, at_text));
            }
        }
    }
    pattern[at_pattern..].iter().all(|&byte| byte == b'*')
}

/// Matches one byte against the element at the start of `pattern`; gives the element's length when it
/// matches.
fn match_one(pattern: &[u8], byte: u8, nocase: bool) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => match_class(class, byte, nocase).map(|used| used + 1),
        [b'\\', literal, ..] => same(*literal, byte, nocase).then_some(2),
        [literal, ..] => same(*literal, byte, nocase).then_some(1),
    }
}

/// Matches a class whose opening bracket is already taken; gives its length including the closing bracket.
fn match_class(class: &[u8], byte: u8, nocase: bool) -> Option<usize> {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match &class[at..] {
            [b'\\', literal, ..] => {
                found |= *literal == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [] => break,
            [first, b'-', last, ..] => {
                found |= in_range(*first, *last, byte, nocase);
                at += 3;
            }
            [literal, ..] => {
                found |= same(*literal, byte, nocase);
                at += 1;
            }
        }
    }
    (found != negated).then_some(at)
}

/// Ranges compare bytes as signed numbers, which is what `char` is where Redis usually runs.
fn in_range(first: u8, last: u8, byte: u8, nocase: bool) -> bool {
    let fold = |byte: u8| if nocase { byte.to_ascii_lowercase() as i8 } else { byte as i8 };
    let (low, high) = if (first as i8) > (last as i8) { (last, first) } else { (first, last) };
    (fold(low)..=fold(high)).contains(&fold(byte))
}

fn same(left: u8, right: u8, nocase: bool) -> bool {
    if nocase { left.eq_ignore_ascii_case(&right) } else { left == right }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_rules_of_redis() {
        let cases: &[(&str, &str, bool, bool)] = &[
            ("*", "anything", false, true),
            ("*", "", false, false),
            ("", "", false, true),
            ("", "a", false, false),
            ("a*", "a", false, true),
            ("a**", "a", false, true),
            ("*a*b", "xxaxxb", false, true),
            ("*a*b", "xxaxxbc", false, false),
            ("h?llo", "hello", false, true),
            ("h?llo", "hllo", false, false),
            ("[a-c]x", "bx", false, true),
            ("[c-a]x", "bx", false, true),
            ("[^a-c]x", "bx", false, false),
            ("[^a", "b", false, true),
            ("[a", "a", false, true),
            ("[", "a", false, false),
            ("[^", "a", false, true),
            ("[]", "]", false, false),
            (r"\*", "*", false, true),
            (r"\*", "a", false, false),
            (r"a\", r"a\", false, true),
            (r"[\]]", "]", false, true),
            (r"[\", r"\", false, true),
            ("[a-]", "b", false, false),
            ("[a-]", "]", false, true),
            ("MAX*", "maxmemory", true, true),
            ("MAX*", "maxmemory", false, false),
            ("[A-C]", "b", true, true),
            (r"[\A]", "a", true, false),
            ("*[ab]c", "xxbxac", false, true),
        ];
        for (pattern, text, nocase, expected) in cases {
            let got = glob_match(pattern.as_bytes(), text.as_bytes(), *nocase);
            assert_eq!(got, *expected, "{pattern:?} against {text:?}");
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        let pattern = "a*".repeat(200) + "b";
        let text = "a".repeat(20_000);
        assert!(!glob_match(pattern.as_bytes(), text.as_bytes(), false));
    }
}
