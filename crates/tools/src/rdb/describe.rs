//! What there is to say about a value: the one place that knows every type.

use std::hash::{DefaultHasher, Hash, Hasher as _};

use lastsave_rdb::{
    HashValue, KeyRecord, ListNodeValue, ObjectType, SetValue, SortedSetValue, StringValue, Value,
};

/// A value, described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// The type as the command TYPE names it.
    pub(crate) type_name: &'static str,
    /// The encoding as it is in the file.
    pub(crate) encoding: &'static str,
    /// Elements; 1 for a string.
    pub(crate) elements: u64,
    /// About how many bytes of memory key and value take.
    pub(crate) memory_bytes: u64,
    /// The same for equal contents, whatever their encoding.
    pub(crate) digest: u64,
}

/// Bytes of memory that a key takes besides its name and value: entry, pointers, share of the table.
const ENTRY_BYTES: u64 = 48;

/// Bytes of memory that an expiry takes.
const EXPIRY_BYTES: u64 = 16;

/// Describes a key's value.
pub(crate) fn describe(record: &KeyRecord) -> Description {
    let expiry = if record.metadata.expires_at_ms.is_some() { EXPIRY_BYTES } else { 0 };
    let held = record.key.len() as u64 + record.value.held_bytes() as u64;
    let (elements, digest) = contents(&record.value);
    Description {
        type_name: type_name(record.object_type),
        encoding: encoding(record),
        elements,
        memory_bytes: ENTRY_BYTES + expiry + held,
        digest,
    }
}

/// The type of a key, by the number that it has in the file.
fn type_name(object_type: ObjectType) -> &'static str {
    let name = object_type.name();
    ["string", "list", "set", "zset", "hash", "stream", "module"]
        .into_iter()
        .find(|kind| name.starts_with(kind))
        .unwrap_or(if name.starts_with("quicklist") { "list" } else { "unknown" })
}

fn encoding(record: &KeyRecord) -> &'static str {
    match &record.value {
        Value::String(StringValue::Integer(_)) => "int",
        Value::String(StringValue::Bytes(bytes)) if bytes.len() <= 44 => "embstr",
        Value::String(_) => "raw",
        _ => record.object_type.name(),
    }
}

/// Elements, and a digest of the contents.
fn contents(value: &Value) -> (u64, u64) {
    match value {
        Value::String(StringValue::Integer(number)) => (1, one(number.to_string().as_bytes())),
        Value::String(StringValue::Bytes(bytes)) => (1, one(bytes)),
        Value::Hash(HashValue::Listpack(listpack)) => {
            unordered(listpack.pairs().map(|(first, second)| two(&first.to_vec(), &second.to_vec())))
        }
        Value::Hash(HashValue::Fields(fields)) => {
            unordered(fields.pairs().map(|(field, value)| two(field.as_slice(), value.as_slice())))
        }
        Value::Hash(HashValue::Expiring(fields)) => {
            unordered(fields.iter().map(|(field, value, expires_at_ms)| {
                let content = two(field.as_slice(), value.as_slice());
                two(&content.to_le_bytes(), &expires_at_ms.unwrap_or(0).to_le_bytes())
            }))
        }
        Value::Set(SetValue::Intset(members)) => {
            unordered(members.iter().map(|member| one(member.to_string().as_bytes())))
        }
        Value::Set(SetValue::Listpack(members)) => {
            unordered(members.iter().map(|member| one(&member.to_vec())))
        }
        Value::Set(SetValue::Members(members)) => {
            unordered(members.iter().map(|member| one(member.as_slice())))
        }
        Value::List(list) => ordered(list.nodes.iter().flat_map(|node| match node {
            ListNodeValue::Packed(listpack) => {
                listpack.iter().map(|element| one(&element.to_vec())).collect()
            }
            ListNodeValue::Plain(element) => vec![one(element)],
        })),
        Value::SortedSet(SortedSetValue::Listpack(listpack)) => unordered(
            listpack.pairs().map(|(member, score)| scored(&member.to_vec(), number(&score.to_vec()))),
        ),
        Value::SortedSet(SortedSetValue::Elements(elements)) => {
            unordered(elements.iter().map(|(member, score)| scored(member, score)))
        }
        // A type that this place does not know yet is compared in the form in which it was read.
        other => (1, one(format!("{other:?}").as_bytes())),
    }
}

fn one(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn two(first: &[u8], second: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (first, second).hash(&mut hasher);
    hasher.finish()
}

fn scored(member: &[u8], score: f64) -> u64 {
    // Both zeros are one score.
    let score = if score == 0.0 { 0.0 } else { score };
    let mut hasher = DefaultHasher::new();
    (member, score.to_bits()).hash(&mut hasher);
    hasher.finish()
}

/// A score that was read as text; the reader has checked that it is a number.
fn number(text: &[u8]) -> f64 {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

/// The digest of elements in their order.
fn ordered(digests: impl Iterator<Item = u64>) -> (u64, u64) {
    digests.fold((0, 0), |(count, chain), digest| {
        let mut hasher = DefaultHasher::new();
        (chain, digest).hash(&mut hasher);
        (count + 1, hasher.finish())
    })
}

/// The digest of elements in any order. A sum, so that an element that is there twice does not cancel itself.
fn unordered(digests: impl Iterator<Item = u64>) -> (u64, u64) {
    digests.fold((0, 0), |(count, sum), digest| (count + 1, sum.wrapping_add(digest)))
}

#[cfg(test)]
mod tests {
    use lastsave_rdb::{Event, Reader, ReaderOptions};

    use super::*;

    /// Describes the one key of a file that was put together by hand.
    fn described(type_byte: u8, value: &[u8]) -> Description {
        let mut file = b"REDIS0011".to_vec();
        file.push(type_byte);
        file.extend(b"\x01k");
        file.extend(value);
        file.push(0xff);
        file.extend([0; 8]);
        let mut reader = Reader::new(&file[..], ReaderOptions::default());
        loop {
            if let Event::Key(record) = reader.next_event().expect("a sound file") {
                return describe(&record);
            }
        }
    }

    /// The bytes of a listpack of short strings, as a string of the file.
    fn listpack(elements: &[&str]) -> Vec<u8> {
        let mut body = Vec::new();
        for element in elements {
            body.push(0x80 | element.len() as u8);
            body.extend(element.as_bytes());
            body.push(element.len() as u8 + 1);
        }
        let total = body.len() as u32 + 7;
        let mut bytes = total.to_le_bytes().to_vec();
        bytes.extend((elements.len() as u16).to_le_bytes());
        bytes.extend(body);
        bytes.push(0xff);
        bytes.insert(0, total as u8);
        bytes
    }

    #[test]
    fn contents_are_the_same_in_every_encoding() {
        let plain_hash = described(4, b"\x02\x01b\x01y\x01a\x01x");
        let packed_hash = described(16, &listpack(&["a", "x", "b", "y"]));
        assert_eq!((plain_hash.digest, plain_hash.elements), (packed_hash.digest, 2));
        assert_eq!((plain_hash.type_name, packed_hash.encoding), ("hash", "hash-listpack"));

        let plain_set = described(2, b"\x02\x01b\x01a");
        assert_eq!(plain_set.digest, described(20, &listpack(&["a", "b"])).digest);
        assert_ne!(plain_set.digest, described(2, b"\x02\x01b\x01c").digest);

        let plain_list = described(1, b"\x02\x01a\x01b");
        let node = [&b"\x01\x02"[..], &listpack(&["a", "b"])].concat();
        assert_eq!((plain_list.digest, plain_list.type_name), (described(18, &node).digest, "list"));
        assert_ne!(plain_list.digest, described(1, b"\x02\x01b\x01a").digest);

        let plain_zset = described(5, &[&b"\x01\x01m"[..], &1.5_f64.to_le_bytes()].concat());
        assert_eq!(
            (plain_zset.digest, plain_zset.type_name),
            (described(17, &listpack(&["m", "1.5"])).digest, "zset")
        );

        assert_eq!(described(0, b"\xc0\x07").digest, described(0, b"\x017").digest);
    }
}
