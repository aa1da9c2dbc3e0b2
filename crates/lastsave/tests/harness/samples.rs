//! Data of every kind, and comparing what two servers hold.

use super::{Client, Reply, collections, encode};

/// Databases that the samples are in.
const DATABASES: [u32; 3] = [0, 3, 15];

/// Bytes that do not compress, the same for the same seed.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Values of many forms and sizes.
fn values() -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = [
        "",
        "0",
        "-1",
        "7",
        "127",
        "128",
        "-129",
        "32767",
        "65536",
        "2147483647",
        "-2147483649",
        "12345678901",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "007",
        "+5",
        " 5",
        "5 ",
        "3.25",
        "-0",
        "REDIS0010",
        "*1\r\n$4\r\nPING\r\n",
        "# no annotation\r\n",
        "#.aaaaaaaaa",
        "\r\n",
        "\n",
        "\0",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    for length in [1, 19, 20, 21, 43, 44, 45, 63, 64, 1023, 1024, 4095, 4096, 16_383, 16_384, 65_535, 65_536]
    {
        values.push(vec![b'x'; length]);
        values.push(noise(length as u64, length));
        values.push(b"compressible text, ".iter().copied().cycle().take(length).collect());
        values.push(vec![b'#'; length]);
    }
    values.push((0..=255).collect());
    values
}

/// Writes samples; those of different seeds overlap and change each other's keys.
pub(crate) fn fill(client: &mut Client, seed: u64) {
    for database in DATABASES {
        let mut pipeline = encode(&["SELECT", &database.to_string()]);
        let mut replies = 1;
        let mut add = |words: &[&[u8]]| {
            pipeline.extend(encode(words));
            replies += 1;
        };
        for (index, value) in values().iter().enumerate() {
            let key = format!("value:{}", (index as u64 * (seed + 1)) % 60);
            add(&[b"SET", key.as_bytes(), value]);
            if index.is_multiple_of(5) {
                add(&[b"PEXPIREAT", key.as_bytes(), b"4102444800123"]);
            }
        }
        for (index, length) in [0, 1, 5, 20, 300].iter().enumerate() {
            let mut key = noise(seed + index as u64, *length);
            key.extend_from_slice(b"\r\n\0\xff");
            add(&[b"SET", &key, b"of a binary key", b"EX", b"1000000"]);
        }
        add(&[b"SET", b"", b"of the empty key"]);
        let own = format!("of:{seed}:in:{database}");
        add(&[b"SET", own.as_bytes(), b"1"]);
        add(&[b"INCRBY", b"counter", b"41"]);
        add(&[b"INCRBYFLOAT", b"float", b"0.1"]);
        add(&[b"APPEND", b"grown", own.as_bytes()]);
        add(&[b"SETRANGE", b"sparse", b"100", own.as_bytes()]);
        add(&[b"MULTI"]);
        add(&[b"MSET", b"pair:left", own.as_bytes(), b"pair:right", own.as_bytes()]);
        add(&[b"SELECT", b"1"]);
        add(&[b"SET", b"from a transaction", own.as_bytes()]);
        add(&[b"EXEC"]);
        for words in collections::commands(seed) {
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            add(&words);
        }
        add(&[b"SET", b"gone", b"soon"]);
        add(&[b"UNLINK", b"gone"]);
        client.write(&pipeline);
        for _ in 0..replies {
            let reply = client.read();
            assert!(!matches!(reply, Reply::Error(_)), "{reply:?}");
        }
    }
    assert_eq!(client.run("SELECT 0"), "OK");
}

/// What identifies the data a server holds: the digest over all of it, and the number of keys of each database.
pub(crate) fn fingerprint(client: &mut Client) -> String {
    let keyspace = client.run("INFO keyspace");
    let counts: Vec<&str> = keyspace
        .lines()
        .filter_map(|line| line.strip_prefix("db"))
        .filter_map(|line| line.split(",avg_ttl").next())
        .collect();
    format!("{} {}", client.run("DEBUG DIGEST"), counts.join(" "))
}
