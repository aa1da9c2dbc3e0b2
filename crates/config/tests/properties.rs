//! What must hold for any bytes: the parser never panics, quoting is reversible, a rewritten file means the
//! same.

use lastsave_config::{
    Config, Directive, NoHost, RewriteOptions, SetContext, Source, glob_match, load, parse_command_line,
    parse_text, quote, split_args,
};
use proptest::prelude::*;

/// Text that looks like a configuration: names of directives, good and bad values, quotes and noise.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let names: Vec<&'static str> = Directive::all()
        .iter()
        .flat_map(|directive| [Some(directive.name()), directive.alias()])
        .flatten()
        .chain(["include", "user", "rename-command", "loadmodule", "a.b", "bogus", "#", ""])
        .collect();
    let value = prop_oneof![
        Just("yes".to_owned()),
        Just("no".to_owned()),
        Just("\"\"".to_owned()),
        "[0-9]{1,20}",
        "-?[0-9]{1,4}(k|kb|mb|gb|%)?",
        "[a-z -]{0,12}",
        "\"[^\"\\\\\n]{0,8}\"",
        "[\"'\\\\xa-f0-9 ]{0,8}",
    ];
    let line = (proptest::sample::select(names), proptest::collection::vec(value, 0..5))
        .prop_map(|(name, values)| format!("{name} {}", values.join(" ")).into_bytes());
    let noise = proptest::collection::vec(any::<u8>(), 0..30);
    proptest::collection::vec(prop_oneof![8 => line, 1 => noise], 0..8).prop_map(|lines| lines.join(&b'\n'))
}

/// One good setting of any directive, as CONFIG SET takes it.
fn settings() -> impl Strategy<Value = Vec<(Vec<u8>, Vec<u8>)>> {
    let directive = (0..Directive::all().len()).prop_map(|index| &Directive::all()[index]);
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..12),
        "[0-9]{1,10}(kb|mb)?".prop_map(String::into_bytes),
        proptest::sample::select(vec![
            "yes",
            "no",
            "",
            "60 1",
            "always",
            "AKE",
            "An",
            "gn",
            "now force",
            "0 1 2",
            "5%",
            "normal 1 2 3 replica 4kb 5mb 6",
            "127.0.0.1 ::1",
            "50 99.99",
            "debug",
            "allkeys-lfu",
            "swapdb",
            "clients",
            "{port}x",
            "a\"b'",
            "\t",
        ])
        .prop_map(|value| value.as_bytes().to_vec()),
    ];
    let setting =
        (directive, value).prop_map(|(directive, value)| (directive.name().as_bytes().to_vec(), value));
    proptest::collection::vec(setting, 0..40)
}

fn reload(text: &[u8]) -> Config {
    parse_text(text)
        .unwrap_or_else(|error| panic!("{}{:?}", error.report("test"), String::from_utf8_lossy(text)))
        .0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_parsed_or_refused(text in lines()) {
        if let Err(error) = parse_text(&text) {
            prop_assert!(error.report("test").ends_with('\n'));
        }
    }

    #[test]
    fn any_bytes_are_parsed_or_refused(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_text(&text);
        let _ = Config::default().rewrite_text(&text, RewriteOptions::default());
    }

    #[test]
    fn any_command_line_is_read(arguments in proptest::collection::vec("[-a-z0-9 \"'\\\\]{0,8}", 0..6)) {
        let _ = parse_command_line(arguments.into_iter().map(Into::into));
    }

    #[test]
    fn quoting_is_reversible(arguments in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..6)) {
        let line = arguments.iter().map(|argument| quote(argument)).collect::<Vec<_>>().join(&b' ');
        prop_assert_eq!(split_args(&line), Ok(arguments));
    }

    #[test]
    fn a_text_matches_itself_and_stars(text in proptest::collection::vec(any::<u8>(), 1..20), at in 0usize..20) {
        let literal: Vec<u8> = text.iter().flat_map(|&byte| [b'\\', byte]).collect();
        prop_assert!(glob_match(&literal, &text, false));
        let at = at % text.len();
        let starred = [&literal[..2 * at], b"*", &literal[2 * at..]].concat();
        prop_assert!(glob_match(&starred, &text, true));
        prop_assert!(!glob_match(&literal, &[&text[..], b"x"].concat(), false));
    }

    #[test]
    fn any_pattern_is_matched(pattern in proptest::collection::vec(any::<u8>(), 0..12), text in proptest::collection::vec(any::<u8>(), 0..12)) {
        let _ = glob_match(&pattern, &text, false);
        let _ = glob_match(&pattern, &text, true);
    }

    #[test]
    fn a_rewritten_file_means_the_same(old in lines(), settings in settings(), force_all: bool) {
        let options = b"enable-protected-configs yes".to_vec();
        let mut config = load(&Source { options, ..Source::default() }, &NoHost).expect("one good line").config;
        for (name, value) in &settings {
            if let Ok(change) = config.set(&[(name, value)], SetContext::default(), &NoHost) {
                prop_assert!(change.changed().len() <= 1);
            }
        }
        // What is kept of an old file must be loadable by itself: no includes, renames, users.
        let old: Vec<&[u8]> = old
            .split(|&byte| byte == b'\n')
            .filter(|line| {
                let words = split_args(line).unwrap_or_default();
                words.first().is_none_or(|word| Directive::find(word).is_some())
            })
            .collect();
        let text = config.rewrite_text(&old.join(&b'\n'), RewriteOptions { force_all, ..RewriteOptions::default() });
        prop_assert!(reload(&text) == config, "{}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn a_refused_set_changes_nothing(settings in settings()) {
        let mut config = reload(b"enable-protected-configs yes");
        let before = config.clone();
        let pairs: Vec<(&[u8], &[u8])> = settings.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        match config.set(&pairs, SetContext::default(), &NoHost) {
            Ok(change) => change.roll_back(&mut config, &NoHost),
            Err(error) => prop_assert!(error.to_string().starts_with("ERR ")),
        }
        prop_assert!(config == before);
    }
}
