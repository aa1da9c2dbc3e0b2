//! Random commands on the bits of strings.

use rand::Rng;

use crate::same_as_redis::Generator;

/// The offset of a bit, seldom one that is refused.
fn offset(generator: &mut Generator) -> String {
    match generator.random.random_range(0..20) {
        0 => generator.pick(&["-1", "x", "4294967296", "9223372036854775807", "#1", ""]).to_owned(),
        1 => generator.random.random_range(30_000..70_000).to_string(),
        _ => generator.random.random_range(0..150).to_string(),
    }
}

fn field_type(generator: &mut Generator) -> String {
    match generator.random.random_range(0..30) {
        0 => generator.pick(&["u64", "i65", "u0", "i0", "x8", "u", "i-1", "u08"]).to_owned(),
        1 => generator.pick(&["u63", "i64", "u1", "i1"]).to_owned(),
        _ => {
            let sign = generator.pick(&["i", "u"]);
            format!("{sign}{}", generator.random.random_range(1..64))
        }
    }
}

fn field_offset(generator: &mut Generator) -> String {
    if generator.chance(30) { format!("#{}", generator.random.random_range(0..6)) } else { offset(generator) }
}

fn number(generator: &mut Generator) -> String {
    match generator.random.random_range(0..4) {
        0 => generator.integer(),
        1 => generator.random.random::<i64>().to_string(),
        _ => generator.random.random_range(-300..300).to_string(),
    }
}

fn bitfield(generator: &mut Generator, key: &str) -> Vec<Vec<u8>> {
    let read_only = generator.chance(25);
    let mut words = vec![if read_only { "BITFIELD_RO" } else { "BITFIELD" }.to_owned(), key.to_owned()];
    for _ in 0..generator.random.random_range(0..4) {
        if generator.chance(25) {
            let overflow = generator.pick(&["WRAP", "sat", "SAT", "FAIL", "FAIL", "none"]).to_owned();
            words.extend(["OVERFLOW".to_owned(), overflow]);
        }
        let writes = generator.chance(if read_only { 5 } else { 70 });
        let action = if writes { generator.pick(&["SET", "INCRBY", "incrby"]) } else { "GET" };
        words.extend([action.to_owned(), field_type(generator), field_offset(generator)]);
        if writes {
            words.push(number(generator));
        }
    }
    words.into_iter().map(String::into_bytes).collect()
}

pub(crate) fn bit_command(generator: &mut Generator) -> Vec<Vec<u8>> {
    let (key, other, third) = (generator.key(), generator.key(), generator.key());
    match generator.random.random_range(0..12) {
        0..=2 => {
            let bit = if generator.chance(95) { generator.pick(&["0", "1", "1"]) } else { "2" };
            let offset = offset(generator);
            generator.words(&["SETBIT", &key, &offset, bit])
        }
        3 => {
            let offset = offset(generator);
            generator.words(&["GETBIT", &key, &offset])
        }
        4 | 5 => {
            let mut command = generator.words(&["BITCOUNT", &key]);
            if generator.chance(70) {
                let (start, end) = (number(generator), number(generator));
                command.extend(generator.words(&[&start, &end]));
                if generator.chance(60) {
                    command.push(generator.pick(&["BIT", "bit", "BYTE", "word"]).into());
                }
            }
            command
        }
        6 | 7 => {
            let bit = if generator.chance(95) { generator.pick(&["0", "1"]) } else { "x" };
            let mut command = generator.words(&["BITPOS", &key, bit]);
            for _ in 0..generator.random.random_range(0..3) {
                command.push(number(generator).into());
            }
            if command.len() == 5 && generator.chance(60) {
                command.push(generator.pick(&["BIT", "bit", "BYTE", "word"]).into());
            }
            command
        }
        8 | 9 => {
            let operation = generator.pick(&["AND", "or", "XOR", "NOT", "NOT", "NAND"]);
            let mut command = generator.words(&["BITOP", operation, &key, &other]);
            if !operation.eq_ignore_ascii_case("not") || generator.chance(5) {
                command.push(third.into());
            }
            command
        }
        _ => bitfield(generator, &key),
    }
}
