//! MIGRATE, as far as it is about the data: which keys there are, what another server is sent of them, and their
//! removal once it has them. The server does the talking.

use bytes::BytesMut;
use lastsave_rdb::WriteError;
use lastsave_resp::encode_command;

use super::serialize::payload;
use crate::context::Context;
use crate::signals::EventClass;
use crate::spec::{
    Argument, Categories, CommandSpec, Flags, Group, Handler, InvalidKeys, KeyFlags, KeyPosition,
    KeyPositions, KeySpec, ServerCommand,
};

pub(crate) const COMMANDS: &[CommandSpec] = &[MIGRATE];

const MIGRATE: CommandSpec = CommandSpec {
    summary: "Atomically transfers a key from one Redis instance to another.",
    complexity: "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in \
         the target instance. See the pages of these commands for time complexity. Also an \
         O(N) data transfer between the two instances is performed.",
    since: "2.6.0",
    arity: -6,
    flags: Flags::WRITE,
    declared_categories: Categories::KEYSPACE.and(Categories::DANGEROUS),
    key_specs: &[
        KeySpec::range(3, 0, 1, KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE)),
        KeySpec::after_keyword(
            "KEYS",
            -2,
            KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE).and(KeyFlags::INCOMPLETE),
        )
        .through(-1, 1, 0),
    ],
    tips: &["nondeterministic_output"],
    history: &[
        ("3.0.0", "Added the `COPY` and `REPLACE` options."),
        ("3.0.6", "Added the `KEYS` option."),
        ("4.0.7", "Added the `AUTH` option."),
        ("6.0.0", "Added the `AUTH2` option."),
    ],
    arguments: &[
        Argument::string("host"),
        Argument::integer("port"),
        Argument::one_of(
            "key-selector",
            &[Argument::key("key", 0), Argument::pure_token("empty-string", "\"\"")],
        ),
        Argument::integer("destination-db"),
        Argument::integer("timeout"),
        Argument::pure_token("copy", "COPY").since("3.0.0").optional(),
        Argument::pure_token("replace", "REPLACE").since("3.0.0").optional(),
        Argument::one_of(
            "authentication",
            &[
                Argument::string("auth").token("AUTH").display("password").since("4.0.7"),
                Argument::block("auth2", &[Argument::string("username"), Argument::string("password")])
                    .token("AUTH2")
                    .since("6.0.0"),
            ],
        )
        .optional(),
        Argument::key("keys", 1).token("KEYS").display("key").since("3.0.6").optional().multiple(),
    ],
    key_finder: Some(migrate_keys),
    ..CommandSpec::new("migrate", Group::Generic, Handler::Server(ServerCommand::Migrate))
};

/// The key in its usual place, or those behind KEYS. An argument of AUTH or AUTH2 is no KEYS.
fn migrate_keys<'a>(count: usize, argument: &dyn Fn(usize) -> &'a [u8]) -> Result<KeyPositions, InvalidKeys> {
    if count < 6 {
        return Err(InvalidKeys);
    }
    let flags = KeyFlags::RW.and(KeyFlags::ACCESS).and(KeyFlags::DELETE);
    let mut index = 6;
    while index < count {
        index += match argument(index).to_ascii_lowercase().as_slice() {
            b"keys" if !argument(3).is_empty() => return Ok(KeyPositions::new()),
            b"keys" => return Ok((index + 1..count).map(|index| KeyPosition { index, flags }).collect()),
            b"auth" => 2,
            b"auth2" => 3,
            _ => 1,
        };
    }
    Ok(std::iter::once(KeyPosition { index: 3, flags }).collect())
}

/// Looks the keys up that MIGRATE is asked for; gives those that are there, in the same order.
pub fn keys_to_migrate<'k>(
    context: &mut Context<'_>,
    keys: impl IntoIterator<Item = &'k [u8]>,
) -> Vec<&'k [u8]> {
    let mut found = Vec::new();
    for name in keys {
        let key = context.key(name);
        if context.read(&key, |entry, _| entry.is_some()) {
            found.push(name);
        }
    }
    found
}

/// Appends the RESTORE that makes another server hold a key as it is held here. Its expiry is sent as a distance, because
/// the other server's clock may differ. Nothing is appended for a key that is not there.
///
/// # Errors
/// When the value has no form in the RDB version that is written.
pub fn encode_restore(
    context: &Context<'_>,
    name: &[u8],
    replace: bool,
    out: &mut BytesMut,
) -> Result<(), WriteError> {
    let database = context.keyspace.db(context.db);
    let Some(entry) = database.get(&context.key(name)) else { return Ok(()) };
    let payload = payload(&entry, context.options)?;
    // 0 would mean that the key never expires.
    let time_to_live_ms = entry.expires_at_ms().map_or(0, |at| at.saturating_sub(context.now_ms).max(1));
    let mut digits = itoa::Buffer::new();
    let mut args: Vec<&[u8]> = vec![b"RESTORE", name, digits.format(time_to_live_ms).as_bytes(), &payload];
    if replace {
        args.push(b"REPLACE");
    }
    encode_command(out, &args);
    Ok(())
}

/// Removes keys that another server has taken over. The log gets a DEL: what MIGRATE did must not be done again.
pub fn remove_migrated(context: &mut Context<'_>, keys: &[&[u8]]) {
    let mut command: Vec<&[u8]> = vec![b"DEL"];
    for &name in keys {
        let key = context.key(name);
        // A key may have been named twice.
        if context.keyspace.db_mut(context.db).remove(&key) {
            context.modified(&key);
            context.notify(EventClass::Generic, "del", &key);
            command.push(name);
        }
    }
    let removed = command.len() as u64 - 1;
    if removed > 0 {
        context.log_command(&command, removed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::find_keys;

    fn positions(line: &str) -> Vec<usize> {
        let words: Vec<&[u8]> = line.split(' ').map(|word| word.trim_matches('"').as_bytes()).collect();
        let keys = find_keys(&MIGRATE, words.len(), &|index| words[index]).expect("valid arguments");
        keys.iter().map(|key| key.index).collect()
    }

    #[test]
    fn keys_are_found_in_both_places() {
        assert_eq!(positions("MIGRATE h 1 key 0 10"), [3]);
        assert_eq!(positions("MIGRATE h 1 key 0 10 COPY REPLACE"), [3]);
        assert_eq!(positions("MIGRATE h 1 \"\" 0 10 COPY KEYS a b"), [8, 9]);
        assert_eq!(positions("MIGRATE h 1 key 0 10 KEYS a b"), [0; 0]);
    }

    #[test]
    fn too_few_arguments_name_no_keys() {
        for count in 0..3 {
            assert_eq!(find_keys(&MIGRATE, count, &|_| b"word"), Err(InvalidKeys), "{count}");
        }
    }

    #[test]
    fn a_password_is_no_keyword() {
        assert_eq!(positions("MIGRATE h 1 \"\" 0 10 AUTH keys KEYS a"), [9]);
        assert_eq!(positions("MIGRATE h 1 \"\" 0 10 AUTH2 keys keys keys a b"), [10, 11]);
        assert_eq!(positions("MIGRATE h 1 key 0 10 AUTH keys"), [3]);
        assert_eq!(positions("MIGRATE h 1 key 0 10 AUTH2 keys keys"), [3]);
    }
}
