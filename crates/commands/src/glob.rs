//! Glob-style patterns, as KEYS, SCAN, CONFIG GET and COMMAND LIST take them.

/// Whether the whole of `text` matches `pattern`: `*` any bytes, `?` one byte, `[a-z]` and `[^a-z]` one of (or none of)
/// a class, `\` takes the next byte literally.
///
/// Takes time proportional to the product of both lengths at worst. An unclosed class ends with the pattern.
///
/// ```
/// use lastsave_commands::glob_matches;
/// assert!(glob_matches(b"user:*:na[mn]e", b"user:7:name", false));
/// assert!(!glob_matches(b"h?llo", b"hllo", false));
/// assert!(glob_matches(b"SAVE*", b"save", true));
/// ```
#[must_use]
pub fn glob_matches(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    if text.is_empty() {
        // Not even `*` matches the empty string: Redis' rule, which KEYS * works around.
        return pattern.is_empty();
    }
    let (mut pattern_at, mut text_at) = (0, 0);
    // Where to go on after the last `*`, should what follows it not match: it takes one byte more then. Earlier ones
    // need no second try, because what follows them would have to match even later.
    let mut retry: Option<(usize, usize)> = None;
    while text_at < text.len() {
        let rest = &pattern[pattern_at..];
        if rest.first() == Some(&b'*') {
            pattern_at += rest.iter().take_while(|byte| **byte == b'*').count();
            if pattern_at == pattern.len() {
                return true;
            }
            retry = Some((pattern_at, text_at));
        } else if let Some(used) = match_one(rest, text[text_at], ignore_case) {
            pattern_at += used;
            text_at += 1;
        } else if let Some((after_star, from)) = retry {
            (pattern_at, text_at) = (after_star, from + 1);
            retry = Some((after_star, from + 1));
        } else {
            return false;
        }
    }
    retry.is_none_or(|(_, from)| from < text.len()) && pattern[pattern_at..].iter().all(|byte| *byte == b'*')
}

fn equal(first: u8, second: u8, ignore_case: bool) -> bool {
    first == second || (ignore_case && first.eq_ignore_ascii_case(&second))
}

/// Matches one byte against the head of a pattern that does not begin with `*`: how much of the pattern that used.
fn match_one(pattern: &[u8], byte: u8, ignore_case: bool) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', ..] => match_class(pattern, byte, ignore_case),
        [b'\\', escaped, ..] => equal(*escaped, byte, ignore_case).then_some(2),
        [literal, ..] => equal(*literal, byte, ignore_case).then_some(1),
    }
}

fn match_class(pattern: &[u8], byte: u8, ignore_case: bool) -> Option<usize> {
    let negated = pattern.get(1) == Some(&b'^');
    let mut at = if negated { 2 } else { 1 };
    let mut matched = false;
    loop {
        match &pattern[at..] {
            [] => break,
            [b'\\', escaped, ..] => {
                matched |= *escaped == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [start, b'-', end, ..] => {
                matched |= in_range(*start, *end, byte, ignore_case);
                at += 3;
            }
            [literal, ..] => {
                matched |= equal(*literal, byte, ignore_case);
                at += 1;
            }
        }
    }
    (matched != negated).then_some(at)
}

/// Bytes are compared as signed ones, as Redis does on x86; either end may come first.
fn in_range(start: u8, end: u8, byte: u8, ignore_case: bool) -> bool {
    let order = |byte: u8| if ignore_case { byte.to_ascii_lowercase() as i8 } else { byte as i8 };
    let (start, end) = if (start as i8) > (end as i8) { (end, start) } else { (start, end) };
    (order(start)..=order(end)).contains(&order(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_they_should() {
        for (pattern, text, expected) in [
            ("*", "anything", true),
            ("**", "a", true),
            ("*", "", false),
            ("", "", true),
            ("", "a", false),
            ("h?llo", "hello", true),
            ("h*llo", "heeeello", true),
            ("h*llo", "heeeell", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("h[a-b]llo", "hbllo", true),
            ("h[b-a]llo", "hbllo", true),
            ("h\\?llo", "h?llo", true),
            ("h\\?llo", "hello", false),
            ("[\\]]", "]", true),
            ("[a", "a", true),
            ("[", "[", false),
            ("[^", "x", true),
            ("a\\", "a\\", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxbxxcx", false),
            ("a*?", "a", false),
            ("a*", "a", true),
            ("*[", "x", false),
        ] {
            assert_eq!(
                glob_matches(pattern.as_bytes(), text.as_bytes(), false),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(glob_matches(b"[A-C]x", b"bX", true));
        assert!(!glob_matches(b"[A-C]x", b"bx", false));
    }

    /// The definition, word for word and without any cleverness, for patterns without classes.
    fn matches_by_definition(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern, text) {
            ([], text) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| matches_by_definition(rest, &text[skip..])),
            ([b'?', rest @ ..], [_, text @ ..]) => matches_by_definition(rest, text),
            ([b'\\', literal, rest @ ..], [byte, text @ ..]) => {
                literal == byte && matches_by_definition(rest, text)
            }
            ([literal, rest @ ..], [byte, text @ ..]) => literal == byte && matches_by_definition(rest, text),
            _ => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in r"[ab*?\\]{0,8}", text in "[ab*]{1,8}") {
            let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
            proptest::prop_assert_eq!(glob_matches(pattern, text, false), matches_by_definition(pattern, text));
        }

        #[test]
        fn any_bytes_are_a_pattern(
            pattern in proptest::collection::vec(proptest::arbitrary::any::<u8>(), 0..20),
            text in proptest::collection::vec(proptest::arbitrary::any::<u8>(), 0..20),
        ) {
            let _matches = glob_matches(&pattern, &text, true);
            proptest::prop_assert!(text.is_empty() || glob_matches(b"*", &text, false));
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "a*".repeat(50) + "b";
        assert!(!glob_matches(pattern.as_bytes(), "a".repeat(5000).as_bytes(), false));
    }
}
