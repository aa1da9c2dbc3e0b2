//! The options of XREAD and XREADGROUP.

use lastsave_resp::{ReplyBuffer, Request};

use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};
use crate::spec::CommandSpec;
use crate::timeouts::milliseconds_argument;

/// What is to be read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options<'a> {
    /// Most entries of each stream; 0 for no limit.
    pub(super) count: u64,
    /// How long to wait for entries, if at all; the inner nothing is for ever.
    pub(super) block: Option<Option<u64>>,
    /// The names of group and consumer.
    pub(super) group: Option<(&'a [u8], &'a [u8])>,
    /// What is delivered needs no acknowledgement.
    pub(super) no_ack: bool,
    /// Index of the first key.
    first_key: usize,
    /// Number of streams.
    streams: usize,
}

impl Options<'_> {
    /// The indexes of the arguments with key and id of each stream.
    pub(super) fn streams(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (first, streams) = (self.first_key, self.streams);
        (first..first + streams).map(move |index| (index, index + streams))
    }
}

/// Parses a request as XREADGROUP if `is_group` is set, else as XREAD.
pub(super) fn parse<'a>(
    reply: &mut ReplyBuffer,
    request: Request<'a>,
    spec: &CommandSpec,
    is_group: bool,
    now_ms: i64,
) -> Result<Options<'a>, Replied> {
    let mut options = Options::default();
    let mut index = 1;
    while index < request.len() {
        let word = request.arg(index);
        let argument = request.get(index + 1);
        match argument {
            Some(argument) if word.eq_ignore_ascii_case(b"block") => {
                options.block = Some(milliseconds_argument(reply, argument, now_ms)?);
                index += 1;
            }
            Some(argument) if word.eq_ignore_ascii_case(b"count") => {
                options.count = u64::try_from(integer_argument(reply, argument)?).unwrap_or(0);
                index += 1;
            }
            Some(_) if word.eq_ignore_ascii_case(b"streams") => {
                options.first_key = index + 1;
                let args = request.len() - options.first_key;
                if !args.is_multiple_of(2) {
                    return Err(unbalanced(reply, spec, is_group));
                }
                options.streams = args / 2;
                break;
            }
            Some(group) if word.eq_ignore_ascii_case(b"group") && index + 2 < request.len() => {
                if !is_group {
                    return Err(only_with_group(reply, "GROUP"));
                }
                options.group = Some((group, request.arg(index + 2)));
                index += 2;
            }
            _ if word.eq_ignore_ascii_case(b"noack") => {
                if !is_group {
                    return Err(only_with_group(reply, "NOACK"));
                }
                options.no_ack = true;
            }
            _ => return Err(error(reply, SYNTAX_ERROR)),
        }
        index += 1;
    }
    if options.first_key == 0 {
        return Err(error(reply, SYNTAX_ERROR));
    }
    if is_group && options.group.is_none() {
        return Err(error(reply, "ERR Missing GROUP option for XREADGROUP"));
    }
    Ok(options)
}

#[cold]
fn unbalanced(reply: &mut ReplyBuffer, spec: &CommandSpec, is_group: bool) -> Replied {
    let (name, symbol) = (spec.full_name, if is_group { '>' } else { '$' });
    let text = format!(
        "ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' must be specified."
    );
    error(reply, &text)
}

#[cold]
fn only_with_group(reply: &mut ReplyBuffer, option: &str) -> Replied {
    let text = format!("ERR The {option} option is only supported by XREADGROUP. You called XREAD instead.");
    error(reply, &text)
}
