//! DEL and UNLINK. They do the same here: big values are always freed elsewhere.

use lastsave_resp::Request;

use crate::context::Context;
use crate::signals::EventClass;
use crate::spec::{Argument, Categories, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec};

pub(crate) const COMMANDS: &[CommandSpec] = &[DEL, UNLINK];

const DEL: CommandSpec = CommandSpec {
    summary: "Deletes one or more keys.",
    complexity: "O(N) where N is the number of keys that will be removed. When a key to remove holds \
         a value other than a string, the individual complexity for this key is O(M) where M \
         is the number of elements in the list, set, sorted set or hash. Removing a single \
         key that holds a string value is O(1).",
    since: "1.0.0",
    arity: -2,
    flags: Flags::WRITE,
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RM.and(KeyFlags::DELETE))],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("del", Group::Generic, Handler::Data(delete))
};

const UNLINK: CommandSpec = CommandSpec {
    summary: "Asynchronously deletes one or more keys.",
    complexity: "O(1) for each key removed regardless of its size. Then the command does O(N) work \
         in a different thread in order to reclaim memory, where N is the number of \
         allocations the deleted objects where composed of.",
    since: "4.0.0",
    arity: -2,
    flags: Flags::WRITE.and(Flags::FAST),
    declared_categories: Categories::KEYSPACE,
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::RM.and(KeyFlags::DELETE))],
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    arguments: &[Argument::key("key", 0).multiple()],
    ..CommandSpec::new("unlink", Group::Generic, Handler::Data(delete))
};

fn delete(context: &mut Context<'_>, request: Request<'_>) {
    let mut removed = 0;
    for name in request.args().skip(1) {
        let key = context.key(name);
        context.expire_if_past(context.db, &key);
        if context.keyspace.db_mut(context.db).remove(&key) {
            context.modified(&key);
            context.notify(EventClass::Generic, "del", &key);
            removed += 1;
        }
    }
    if removed > 0 {
        context.log_verbatim(removed);
    }
    context.reply.integer(removed as i64);
}
