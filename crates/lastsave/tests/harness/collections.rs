//! Collections of every type, in every form in which they are kept, as commands.

use super::samples::noise;

/// The words of one command.
type Words = Vec<Vec<u8>>;

/// Commands that make them; those of different seeds change each other's keys.
pub(crate) fn commands(seed: u64) -> Vec<Words> {
    let mut commands = Commands(Vec::new());
    lists(&mut commands, seed);
    hashes(&mut commands, seed);
    sets(&mut commands, seed);
    sorted_sets(&mut commands, seed);
    streams(&mut commands, seed);
    strings_with_structure(&mut commands, seed);
    for key in ["list:long", "hash:packed", "set:packed", "zset:big", "stream:groups"] {
        commands.text(&format!("PEXPIREAT {key} 4102444800123"));
    }
    commands.0
}

struct Commands(Vec<Words>);

impl Commands {
    /// A command whose words have no blanks.
    fn text(&mut self, words: &str) {
        self.0.push(words.split_whitespace().map(|word| word.as_bytes().to_vec()).collect());
    }

    /// A command, a key, and any arguments.
    fn with(&mut self, command: &str, key: &str, arguments: impl IntoIterator<Item = Vec<u8>>) {
        let head = [command.as_bytes().to_vec(), key.as_bytes().to_vec()];
        self.0.push(head.into_iter().chain(arguments).collect());
    }
}

/// Elements of many lengths and kinds.
fn elements(seed: u64) -> Vec<Vec<u8>> {
    let mut elements: Vec<Vec<u8>> = [
        "",
        "0",
        "-1",
        "127",
        "128",
        "4095",
        "4096",
        "-32768",
        "8388607",
        "2147483648",
        "9223372036854775807",
        "01",
        "x",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    for length in [10, 63, 64, 65, 127, 4095, 4096] {
        elements.push(noise(seed + length as u64, length));
        elements.push(vec![b'e'; length]);
    }
    elements
}

fn numbered(prefix: &str, range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(|number| format!("{prefix}{number}").into_bytes()).collect()
}

fn lists(commands: &mut Commands, seed: u64) {
    commands.with("RPUSH", "list:short", numbered("element ", seed..seed + 5));
    commands.with("LPUSH", "list:short", numbered("-", seed..seed + 3));
    commands.with("RPUSH", "list:kinds", elements(seed));
    for part in 0..8 {
        commands.with(
            "RPUSH",
            "list:long",
            numbered("an element of a long list, number ", part * 100..part * 100 + 100),
        );
    }
    commands.with(
        "LPUSH",
        "list:large elements",
        [noise(seed, 20_000), vec![b'z'; 70_000], b"small".to_vec()],
    );
    for depth in ["1", "0"] {
        // Nodes away from the ends are compressed.
        commands.text(&format!("CONFIG SET list-compress-depth {depth}"));
        let key = format!("list:{seed}:{depth}");
        commands.with("RPUSH", &key, elements(seed));
        commands.with("LPUSH", &key, numbered("pushed ", 0..2000));
        commands.text(&format!("LINSERT {key} BEFORE 127 inserted"));
    }
    commands.text("LMOVE list:short list:moved LEFT RIGHT");
    commands.text("LSET list:long 300 changed");
    commands.text("LTRIM list:long 5 600");
    commands.text("LPOP list:short");
}

fn hashes(commands: &mut Commands, seed: u64) {
    let pairs = |fields: Vec<Vec<u8>>, values: Vec<Vec<u8>>| {
        fields.into_iter().zip(values).flat_map(|(field, value)| [field, value])
    };
    commands.with("HSET", "hash:packed", pairs(numbered("field", 0..20), numbered("", seed..seed + 20)));
    commands.with(
        "HSET",
        "hash:many",
        pairs(numbered("field", seed..seed + 700), numbered("value ", 0..700)),
    );
    commands.with("HSET", "hash:kinds", pairs(elements(seed), elements(seed + 1)));
    commands.text("HINCRBY hash:packed field3 41");
    commands.text("HINCRBYFLOAT hash:packed field4 0.25");
    commands.text("HDEL hash:many field5 field6");
}

fn sets(commands: &mut Commands, seed: u64) {
    commands.with("SADD", "set:16 bits", numbered("", seed..seed + 30));
    commands.with("SADD", "set:32 bits", numbered("7000", seed..seed + 30));
    commands.with("SADD", "set:64 bits", numbered("-700000000000", seed..seed + 30));
    commands.with("SADD", "set:packed", numbered("member ", seed..seed + 40));
    commands.with("SADD", "set:many", numbered("member ", seed..seed + 900));
    commands.with("SADD", "set:many integers", numbered("", seed..seed + 900));
    commands.with("SADD", "set:kinds", elements(seed));
    commands.with("SREM", "set:many", numbered("member ", seed..seed + 3));
}

fn sorted_sets(commands: &mut Commands, seed: u64) {
    let scored = |members: Vec<Vec<u8>>| {
        // Redis 7.0 and 7.2 print these alike, which their digests depend on.
        const SCORES: [&str; 9] =
            ["0", "-0.5", "3.0000000000000004", "4503599627370496", "-inf", "+inf", "42", "7", "-17.25"];
        members
            .into_iter()
            .enumerate()
            .flat_map(|(index, member)| [SCORES[index % SCORES.len()].as_bytes().to_vec(), member])
    };
    commands.with("ZADD", "zset:packed", scored(numbered("member ", seed..seed + 20)));
    commands.with("ZADD", "zset:big", scored(numbered("member ", seed..seed + 800)));
    commands.with("ZADD", "zset:kinds", scored(elements(seed)));
    commands.text("ZINCRBY zset:packed 1.5 incremented");
    commands.text("ZREMRANGEBYRANK zset:big 3 10");
}

fn streams(commands: &mut Commands, seed: u64) {
    // Ids only grow, and groups are made once; so these begin anew.
    commands.text("DEL stream:plain stream:groups");
    for number in 1..151 {
        commands.text(&format!("XADD stream:plain {seed}-{number} field {number} other value{seed}"));
    }
    commands.text(&format!("XDEL stream:plain {seed}-7"));
    commands.text("XTRIM stream:plain MAXLEN 120");
    for number in 1..30 {
        commands.text(&format!("XADD stream:groups {number}-{seed} name value{number}"));
    }
    commands.text("XGROUP CREATE stream:groups readers 0");
    commands.text("XGROUP CREATE stream:groups idle $ ENTRIESREAD 3");
    commands.text("XREADGROUP GROUP readers alice COUNT 7 STREAMS stream:groups >");
    commands.text("XREADGROUP GROUP readers bob COUNT 5 STREAMS stream:groups >");
    commands.text(&format!("XACK stream:groups readers 2-{seed}"));
    commands.text(&format!("XDEL stream:groups 9-{seed}"));
    commands.text("XGROUP CREATECONSUMER stream:groups readers carol");
}

fn strings_with_structure(commands: &mut Commands, seed: u64) {
    commands.with("PFADD", "hll:sparse", numbered("visitor", seed..seed + 20));
    commands.with("PFADD", "hll:dense", numbered("visitor", seed * 1000..seed * 1000 + 3000));
    commands.text(&format!("SETBIT bitmap {} 1", 70_000 + seed));
    commands.text("BITFIELD bitmap SET u8 100 200 INCRBY i5 300 3");
    commands.text(&format!("GEOADD places 13.361389 38.115556 Palermo 15.087269 37.502669 Catania{seed}"));
}
