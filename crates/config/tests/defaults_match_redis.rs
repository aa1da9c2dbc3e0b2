//! A server without any configuration has the values Redis has, and knows every directive Redis knows.

mod oracle;

use std::collections::BTreeMap;

use lastsave_config::{Config, Directive};

/// Directives of Redis 7.2 that the installed 7.0 does not have.
const NEW_IN_72: [&str; 5] = [
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "locale-collate",
    "cluster-announce-human-nodename",
    "cluster-ping-interval",
];

/// Hidden since Redis 7.2.
const HIDDEN_IN_72: [&str; 1] = ["aof-disable-auto-gc"];

/// Set by the way the test starts Redis.
const SET_BY_TEST: [&str; 3] = ["port", "unixsocket", "dir"];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_directive_of_redis_is_known_with_its_default() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let Some(mut redis) = oracle::Oracle::start(directory.path(), &[]) else { return };
    let pairs = |pairs: Vec<(Vec<u8>, Vec<u8>)>| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (text(name), text(value))).collect()
    };
    let theirs = pairs(redis.config_get(&["*"]));
    let ours = pairs(Config::default().get(&["*"]));
    let mut wrong = Vec::new();
    for (name, value) in &theirs {
        match ours.get(name) {
            None if HIDDEN_IN_72.contains(&name.as_str()) => {}
            None => wrong.push(format!("{name} is missing")),
            Some(_) if SET_BY_TEST.contains(&name.as_str()) => {}
            Some(found) if found == value => {}
            Some(found) => wrong.push(format!("{name} is {found:?}, in Redis {value:?}")),
        }
    }
    for name in ours.keys().filter(|name| !theirs.contains_key(*name)) {
        let directive = Directive::find(name.as_bytes()).expect("CONFIG GET shows directives");
        if !directive.is_ours() && !NEW_IN_72.contains(&name.as_str()) {
            wrong.push(format!("{name} is unknown to Redis"));
        }
    }
    for directive in Directive::all().iter().filter(|directive| directive.is_hidden()) {
        let found = redis.config_get(&[directive.name()]);
        let (_, value) = found.first().cloned().unwrap_or_default();
        if value != directive.default_value() && !NEW_IN_72.contains(&directive.name()) {
            wrong.push(format!("hidden {} is {:?} in Redis", directive.name(), text(&value)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn config_get_matches_names_as_redis_does() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let Some(mut redis) = oracle::Oracle::start(directory.path(), &[]) else { return };
    let config = Config::default();
    let cases: &[&[&str]] = &[
        &["maxmemory", "maxmemory*", "bind", "*of"],
        &["MAXMEMORY", "maxmemory"],
        &["MaxMem*"],
        &["save", "nothing", "no?hing*"],
        &["slave-[ps]*"],
        &["[^a-y]*"],
        &["hash-max-\\ziplist*"],
        &["lua-time-limit", "busy*"],
        &["rdb-key-*", "rdb-key-save-delay"],
        &["?*ziplist-en*"],
        &["h["],
        &["h[z"],
        &["", "*[z]"],
    ];
    for patterns in cases {
        let names = |pairs: Vec<(Vec<u8>, Vec<u8>)>| {
            let mut names: Vec<_> = pairs.iter().map(|(name, _)| text(name)).collect();
            names.retain(|name| {
                Directive::find(name.as_bytes())
                    .is_none_or(|directive| !directive.is_ours() && !NEW_IN_72.contains(&directive.name()))
            });
            names.sort();
            names
        };
        assert_eq!(names(config.get(patterns)), names(redis.config_get(patterns)), "{patterns:?}");
    }
}

#[test]
fn the_glob_matcher_agrees_with_keys() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let Some(mut redis) = oracle::Oracle::start(directory.path(), &["--save", ""]) else { return };
    let alphabet = b"ab-]\\[^*?c\xc3\x7f";
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut word = |most: usize| -> Vec<u8> {
        let length = 1 + random(most);
        (0..length).map(|_| alphabet[random(alphabet.len())]).collect()
    };
    let keys: Vec<Vec<u8>> = (0..300).map(|_| word(5)).collect();
    for key in &keys {
        redis.call(&[b"set".as_slice(), key, b"v"]);
    }
    for _ in 0..1500 {
        let pattern = word(7);
        let oracle::Reply::Array(items) = redis.call(&[b"keys".as_slice(), &pattern]) else { panic!("KEYS") };
        let found: Vec<Vec<u8>> = items
            .into_iter()
            .map(|item| match item {
                oracle::Reply::Bulk(Some(key)) => key,
                other => panic!("{other:?}"),
            })
            .collect();
        for key in &keys {
            let ours = lastsave_config::glob_match(&pattern, key, false);
            assert_eq!(ours, found.contains(key), "{:?} against {:?}", text(&pattern), text(key));
        }
    }
}
