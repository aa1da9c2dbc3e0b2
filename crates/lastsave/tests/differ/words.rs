//! What arguments are made of: few enough keys, members and ids that commands meet each other's data, and the odd ones.

use rand::Rng as _;
use rand::rngs::SmallRng;
use rand::seq::IndexedRandom as _;

/// Far enough in the future that nothing expires during a run (the year 2100).
pub(crate) const FUTURE_SECONDS: i64 = 4_102_444_800;

/// Picks one of them.
pub(crate) fn pick<'a, T: ?Sized>(random: &mut SmallRng, words: &[&'a T]) -> &'a T {
    words.choose(random).expect("there are words")
}

/// Whether something that happens so often, in percent, happens now.
pub(crate) fn chance(random: &mut SmallRng, percent: u32) -> bool {
    random.random_range(0..100) < percent
}

/// A short string, often the same one: what members, fields and elements are.
pub(crate) fn member(random: &mut SmallRng) -> Vec<u8> {
    match random.random_range(0..40) {
        0 => Vec::new(),
        1 => {
            pick(random, &["9223372036854775807", "-9223372036854775808", "9223372036854775808", "-0", "01"])
                .into()
        }
        2 => vec![b'x'; random.random_range(60..70)],
        3 => vec![b'y'; random.random_range(250..5000)],
        4 => (0..random.random_range(1..20)).map(|_| random.random::<u8>()).collect(),
        5..=14 => random.random_range(-40_i64..40).to_string().into(),
        15 => random.random_range(-70_000_i64..70_000).to_string().into(),
        16 => random.random::<i64>().to_string().into(),
        17 => float(random),
        _ => format!("m{}", random.random_range(0..60)).into(),
    }
}

/// A value of a string: any of the above, or something to compute with.
pub(crate) fn value(random: &mut SmallRng) -> Vec<u8> {
    match random.random_range(0..10) {
        0 => pick(random, &["hello world", "ohmytext", "mynewtext", "abcabcabcabc"]).into(),
        1 => (0..random.random_range(0..40)).map(|_| random.random::<u8>()).collect(),
        _ => member(random),
    }
}

/// An integer, mostly small.
pub(crate) fn integer(random: &mut SmallRng) -> String {
    match random.random_range(0..60) {
        0 => pick(
            random,
            &["9223372036854775807", "-9223372036854775808", "9223372036854775808", "2147483648"],
        )
        .to_owned(),
        1 => pick(random, &["x", "", "1.5", " 1", "+1", "-0", "00", "0x10"]).to_owned(),
        2..=5 => random.random_range(-200_i64..200).to_string(),
        6..=30 => random.random_range(0_i64..6).to_string(),
        _ => random.random_range(-12_i64..25).to_string(),
    }
}

/// A floating-point number.
pub(crate) fn float(random: &mut SmallRng) -> Vec<u8> {
    match random.random_range(0..30) {
        0 => {
            pick(random, &["inf", "-inf", "+inf", "nan", "1e400", "x", "", "1.", ".5", "0x1p3", " 1"]).into()
        }
        1 => pick(random, &["1e17", "1.7976931348623157e308", "5e-324", "-0.0", "3.0e-5", "1e21"]).into(),
        2..=10 => format!("{}.{}", random.random_range(-30..30), random.random_range(0..1000)).into(),
        11 => random.random::<f64>().to_string().into(),
        _ => random.random_range(-10_i64..20).to_string().into(),
    }
}

/// A glob-style pattern.
pub(crate) fn pattern(random: &mut SmallRng) -> Vec<u8> {
    pick(random, &["*", "m*", "m1?", "*1*", "[a-m]*", "[^m]*", "\\*", "k*:?", "", "nosuch"]).into()
}

/// The id of a stream's entry.
pub(crate) fn stream_id(random: &mut SmallRng) -> Vec<u8> {
    match random.random_range(0..20) {
        0 => pick(
            random,
            &["x", "-1", "1-", "1-x", "18446744073709551615-18446744073709551615", "0-0", "$", ">"],
        )
        .into(),
        1 => pick(random, &["-", "+", "0", "("]).into(),
        2 => format!("({}", random.random_range(0..300)).into(),
        3..=9 => random.random_range(0..300).to_string().into(),
        _ => format!("{}-{}", random.random_range(0..300), random.random_range(0..4)).into(),
    }
}

/// An end of a range of scores.
pub(crate) fn score_bound(random: &mut SmallRng) -> Vec<u8> {
    match random.random_range(0..12) {
        0 => b"-inf".to_vec(),
        1 => b"+inf".to_vec(),
        2..=5 => [b"(".as_slice(), &float(random)].concat(),
        _ => float(random),
    }
}

/// An end of a range of members.
pub(crate) fn lex_bound(random: &mut SmallRng) -> Vec<u8> {
    match random.random_range(0..12) {
        0 => b"-".to_vec(),
        1 => b"+".to_vec(),
        2 => member(random),
        3..=6 => [b"(".as_slice(), &member(random)].concat(),
        _ => [b"[".as_slice(), &member(random)].concat(),
    }
}
