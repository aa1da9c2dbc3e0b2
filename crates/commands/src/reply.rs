//! Error texts and other replies that several commands share.

use lastsave_keyspace::{Entry, StringValue};
use lastsave_listpack::ListpackValue;
use lastsave_resp::{ReplyBuffer, Request, parse_integer};

use crate::context::string_of;
use crate::table::{QUOTED_BYTES_MAX, printable};

pub(crate) const SYNTAX_ERROR: &str = "ERR syntax error";
pub(crate) const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
pub(crate) const NO_SUCH_KEY: &str = "ERR no such key";
pub(crate) const SAME_OBJECT: &str = "ERR source and destination objects are the same";
pub(crate) const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
pub(crate) const NOT_A_FLOAT: &str = "ERR value is not a valid float";
pub(crate) const DB_OUT_OF_RANGE: &str = "ERR DB index is out of range";
pub(crate) const STRING_TOO_LONG: &str = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

/// The command has replied with an error; there is nothing left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replied;

/// The value of a key, or null, or an error when it is no string.
#[inline]
pub(crate) fn string_or_null(reply: &mut ReplyBuffer, entry: Option<&Entry<'_>>) -> Result<(), Replied> {
    match entry {
        None => reply.null(),
        Some(entry) => match string_of(entry) {
            Ok(value) => string(reply, value),
            Err(_) => return Err(error(reply, WRONG_TYPE)),
        },
    }
    Ok(())
}

/// A string value.
#[inline]
pub(crate) fn string(reply: &mut ReplyBuffer, value: StringValue<'_>) {
    match value {
        StringValue::Bytes(bytes) => reply.bulk(bytes),
        StringValue::Shared(bytes) => reply.bulk_shared(bytes),
        StringValue::Integer(number) => reply.bulk_integer(number),
    }
}

/// An element of a collection.
#[inline]
pub(crate) fn element(reply: &mut ReplyBuffer, value: ListpackValue<'_>) {
    match value {
        ListpackValue::Integer(integer) => reply.bulk_integer(integer),
        ListpackValue::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Replies with an error.
#[cold]
pub(crate) fn error(reply: &mut ReplyBuffer, text: &str) -> Replied {
    reply.error(text);
    Replied
}

/// An argument as a 64-bit integer, or the usual error.
pub(crate) fn integer_argument(reply: &mut ReplyBuffer, argument: &[u8]) -> Result<i64, Replied> {
    parse_integer(argument).ok_or_else(|| error(reply, NOT_AN_INTEGER))
}

/// An argument as a number from 0 on, or an error: `text` when given, else the usual one.
pub(crate) fn natural_argument(
    reply: &mut ReplyBuffer,
    argument: &[u8],
    text: Option<&str>,
) -> Result<usize, Replied> {
    let number = parse_integer(argument).and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| error(reply, text.unwrap_or("ERR value is out of range, must be positive")))
}

/// An argument as a number from 1 on, or an error.
pub(crate) fn positive_argument(
    reply: &mut ReplyBuffer,
    argument: &[u8],
    text: &str,
) -> Result<usize, Replied> {
    natural_argument(reply, argument, Some(text)).and_then(|number| match number {
        0 => Err(error(reply, text)),
        number => Ok(number),
    })
}

/// An argument as a 32-bit integer, or an error: `text` when given, else the usual ones.
pub(crate) fn int_argument(
    reply: &mut ReplyBuffer,
    argument: &[u8],
    text: Option<&str>,
) -> Result<i32, Replied> {
    let number = parse_integer(argument).ok_or_else(|| error(reply, text.unwrap_or(NOT_AN_INTEGER)))?;
    i32::try_from(number).map_err(|_| {
        const RANGE: &str = "ERR value is out of range, value must between -2147483648 and 2147483647";
        error(reply, text.unwrap_or(RANGE))
    })
}

/// An argument as the number of a database, or an error.
pub(crate) fn db_argument(
    reply: &mut ReplyBuffer,
    argument: &[u8],
    databases: usize,
) -> Result<usize, Replied> {
    let number = int_argument(reply, argument, None)?;
    let db = usize::try_from(number).ok().filter(|db| *db < databases);
    db.ok_or_else(|| error(reply, DB_OUT_OF_RANGE))
}

/// A time to live that cannot be.
#[cold]
pub(crate) fn invalid_expire_time(reply: &mut ReplyBuffer, command: &str) -> Replied {
    reply.error(&format!("ERR invalid expire time in '{command}' command"));
    Replied
}

/// The reply of a HELP subcommand: how to call the container, its subcommands (`lines`), and HELP itself.
pub fn reply_help(reply: &mut ReplyBuffer, container_name: &str, lines: &[&str]) {
    let name = container_name.to_ascii_uppercase();
    reply.array(lines.len() + 3);
    reply.simple(&format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for line in lines {
        reply.simple(line);
    }
    reply.simple("HELP");
    reply.simple("    Print this help.");
}

/// The error of a command that looks at its subcommand itself, such as DEBUG, and does not know it in this form.
pub fn reply_unknown_subcommand(reply: &mut ReplyBuffer, request: Request<'_>) {
    let subcommand = printable(request.get(1).unwrap_or_default(), QUOTED_BYTES_MAX);
    let name = request.arg(0).to_ascii_uppercase();
    let text = [
        b"ERR unknown subcommand or wrong number of arguments for '",
        subcommand,
        b"'. Try ",
        printable(&name, QUOTED_BYTES_MAX),
        b" HELP.",
    ];
    reply.error_bytes(&text.concat());
}

#[cfg(test)]
mod tests {
    use super::*;
    use lastsave_resp::{OwnedRequest, Protocol};

    #[test]
    fn unknown_subcommands_point_to_help() {
        let owned = OwnedRequest::from_args(&[b"debug", b"nosuch"]);
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        reply_unknown_subcommand(&mut reply, owned.as_request());
        let expected =
            b"-ERR unknown subcommand or wrong number of arguments for 'nosuch'. Try DEBUG HELP.\r\n";
        assert_eq!(reply.to_vec(), expected);
    }
}
