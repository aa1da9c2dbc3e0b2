//! The parts of DEBUG that work on data.

use lastsave_collections::List;
use lastsave_keyspace::{Entry, Expiry, NewValue, Value};
use lastsave_resp::{Request, parse_integer};

use crate::access;
use crate::context::Context;
use crate::digest::value_digest;
use crate::generic::object::reference_count;
use crate::generic::serialize::serialized_len;
use crate::reply::{NO_SUCH_KEY, NOT_AN_INTEGER, Replied, error};

/// DEBUG DIGEST-VALUE: the digests of the keys from argument 2 on.
pub fn debug_digest_value(context: &mut Context<'_>, request: Request<'_>) {
    context.reply.array(request.len() - 2);
    for name in request.args().skip(2) {
        let key = context.key(name);
        let database = context.keyspace.db(context.db);
        context.depends.on(database.mark(&key));
        context.reply.simple(&value_digest(database.get(&key).as_ref()).to_hex());
    }
}

/// DEBUG OBJECT: how the value at argument 2 is kept.
pub fn debug_object(context: &mut Context<'_>, request: Request<'_>) {
    let key = context.key(request.arg(2));
    let database = context.keyspace.db(context.db);
    context.depends.on(database.mark(&key));
    let Some(entry) = database.get(&key) else { return context.reply.error(NO_SUCH_KEY) };
    let access = entry.access();
    // Addresses are nobody's business; clients look at the other fields.
    context.reply.simple(&format!(
        "Value at:0x0 refcount:{} encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}{}",
        reference_count(&entry, context.options),
        entry.encoding().name(),
        serialized_len(&entry, context.options),
        access,
        access::idle_seconds(access, context.now_ms),
        match entry.value() {
            Value::List(list) => quicklist_fields(list),
            _ => String::new(),
        },
    ));
}

/// What DEBUG OBJECT tells of the nodes of a list, if it has any.
fn quicklist_fields(list: &List) -> String {
    let Some(shape) = list.quicklist_shape() else { return String::new() };
    format!(
        " ql_nodes:{} ql_avg_node:{:.2} ql_listpack_max:{} ql_compressed:{} ql_uncompressed_size:{}",
        shape.nodes,
        list.len() as f64 / shape.nodes as f64,
        shape.listpack_size,
        u8::from(shape.is_compressed),
        shape.uncompressed_bytes,
    )
}

/// DEBUG LISTPACK and DEBUG QUICKLIST: writes how the value at argument 2 is kept to `print`, if it is kept so.
pub fn debug_structure(context: &mut Context<'_>, request: Request<'_>, print: impl FnOnce(&Entry<'_>)) {
    let key = context.key(request.arg(2));
    let database = context.keyspace.db(context.db);
    context.depends.on(database.mark(&key));
    let Some(entry) = database.get(&key) else { return context.reply.error(NO_SUCH_KEY) };
    let wanted = request.arg(1).to_ascii_lowercase();
    let (name, shown) =
        if wanted == b"listpack" { ("listpack", "Listpack") } else { ("quicklist", "Quicklist") };
    if entry.encoding().name() == name {
        print(&entry);
        context.reply.simple(&format!("{shown} structure printed on stdout"));
    } else {
        context.reply.error(&format!("ERR Not a {name} encoded object."));
    }
}

fn natural_argument(context: &mut Context<'_>, argument: &[u8]) -> Result<usize, Replied> {
    let number = parse_integer(argument).ok_or_else(|| error(context.reply, NOT_AN_INTEGER))?;
    usize::try_from(number).map_err(|_| error(context.reply, "ERR value is out of range, must be positive"))
}

/// `DEBUG POPULATE count [prefix] [size]`: creates the keys that are missing. As in Redis, they are not logged.
pub fn debug_populate(context: &mut Context<'_>, request: Request<'_>) {
    let Ok(count) = natural_argument(context, request.arg(2)) else { return };
    let prefix = request.get(3).unwrap_or(b"key");
    let size = match request.get(4) {
        Some(argument) => match natural_argument(context, argument) {
            Ok(size) => size,
            Err(_) => return,
        },
        None => 0,
    };
    if size as u64 > context.options.proto_max_bulk_bytes {
        return context.reply.error("ERR value is out of range");
    }
    let mut name = Vec::new();
    let mut value = Vec::new();
    for number in 0..count {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number).as_bytes();
        name.clear();
        name.extend_from_slice(prefix);
        name.push(b':');
        name.extend_from_slice(digits);
        let key = context.key(&name);
        if context.exists_in(context.db, &key) {
            continue;
        }
        value.clear();
        value.extend_from_slice(b"value:");
        value.extend_from_slice(digits);
        if size > 0 {
            value.resize(size, 0);
        }
        context.store(&key, NewValue::Bytes(&value), Expiry::Clear);
    }
    context.reply.ok();
}
