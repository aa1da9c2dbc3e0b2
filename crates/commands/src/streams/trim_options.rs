//! The options of XADD and XTRIM.

use lastsave_collections::{StreamId, Trim};
use lastsave_resp::{ReplyBuffer, Request};

use super::id::{self, GivenId};
use crate::context::Context;
use crate::reply::{Replied, SYNTAX_ERROR, error, integer_argument};

/// Nodes to which an approximate trimming restricts itself if it is not told otherwise.
const DEFAULT_NODES: u64 = 100;
/// Entries that stand for these nodes when nodes have no limit.
const DEFAULT_LIMIT: u64 = 10_000;
const DEFAULT_LIMIT_MAX: u64 = 1_000_000;

/// What is to be trimmed.
#[derive(Debug, Clone, Copy)]
pub(super) struct TrimOption {
    pub(super) trim: Trim,
    /// Only whole nodes (`~`).
    pub(super) is_approximate: bool,
    /// Most entries to be removed; 0 for no limit.
    pub(super) limit: u64,
    /// Index of the argument with the threshold; that before it is `~` if the trimming is approximate.
    pub(super) threshold_index: usize,
}

/// What XADD and XTRIM are told besides key and fields.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    pub(super) trim: Option<TrimOption>,
    pub(super) no_create: bool,
    /// For XADD: the id, or nothing for `*`.
    pub(super) id: Option<GivenId>,
    /// For XADD: the index of the argument with the id.
    pub(super) id_index: usize,
}

/// Parses the options of XADD, up to the id.
pub(super) fn parse_add(context: &mut Context<'_>, request: Request<'_>) -> Result<Options, Replied> {
    parse(context, request, true)
}

/// Parses the options of XTRIM.
pub(super) fn parse_trim(context: &mut Context<'_>, request: Request<'_>) -> Result<TrimOption, Replied> {
    let options = parse(context, request, false)?;
    options.trim.ok_or_else(|| {
        error(context.reply, "ERR syntax error, XTRIM must be called with a trimming strategy")
    })
}

fn parse(context: &mut Context<'_>, request: Request<'_>, is_add: bool) -> Result<Options, Replied> {
    let reply = &mut *context.reply;
    let mut options = Options { id_index: request.len(), ..Options::default() };
    let mut limit = None;
    let mut index = 2;
    while index < request.len() {
        let word = request.arg(index);
        let has_more = index + 1 < request.len();
        if is_add && word == b"*" {
            options.id_index = index;
            break;
        }
        if has_more && (word.eq_ignore_ascii_case(b"maxlen") || word.eq_ignore_ascii_case(b"minid")) {
            if options.trim.is_some() {
                const TWICE: &str =
                    "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
                return Err(error(reply, TWICE));
            }
            let option = threshold(reply, request, index)?;
            index = option.threshold_index;
            options.trim = Some(option);
        } else if has_more && word.eq_ignore_ascii_case(b"limit") {
            let given = integer_argument(reply, request.arg(index + 1))?;
            let given = u64::try_from(given);
            limit = Some(given.map_err(|_| error(reply, "ERR The LIMIT argument must be >= 0."))?);
            index += 1;
        } else if is_add && word.eq_ignore_ascii_case(b"nomkstream") {
            options.no_create = true;
        } else if is_add {
            options.id = Some(id::given_argument(reply, word)?);
            options.id_index = index;
            break;
        } else {
            return Err(error(reply, SYNTAX_ERROR));
        }
        index += 1;
    }
    match &mut options.trim {
        None if limit.is_some_and(|limit| limit > 0) => {
            const ALONE: &str =
                "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
            Err(error(reply, ALONE))
        }
        None if !is_add => Ok(options),
        // What the log says was limited before; it keeps the LIMIT it was given.
        _ if context.replay => Ok(options),
        trim => {
            let is_approximate = trim.as_ref().is_some_and(|option| option.is_approximate);
            if limit.is_some() && !is_approximate {
                const EXACT: &str = "ERR syntax error, LIMIT cannot be used without the special ~ option";
                return Err(error(reply, EXACT));
            }
            if let Some(option) = trim.as_mut().filter(|option| option.is_approximate) {
                let entries = context.options.stream_node_max_entries;
                option.limit = limit.unwrap_or_else(|| default_limit(entries));
            }
            Ok(options)
        }
    }
}

fn default_limit(node_entries_max: u64) -> u64 {
    match node_entries_max.saturating_mul(DEFAULT_NODES) {
        0 => DEFAULT_LIMIT,
        limit => limit.min(DEFAULT_LIMIT_MAX),
    }
}

/// The option whose name is at `index`.
fn threshold(reply: &mut ReplyBuffer, request: Request<'_>, index: usize) -> Result<TrimOption, Replied> {
    let has_two = index + 2 < request.len();
    let next = request.arg(index + 1);
    let is_approximate = has_two && next == b"~";
    let threshold_index = if is_approximate || (has_two && next == b"=") { index + 2 } else { index + 1 };
    let text = request.arg(threshold_index);
    let trim = if request.arg(index).eq_ignore_ascii_case(b"maxlen") {
        let len = u64::try_from(integer_argument(reply, text)?);
        Trim::MaxLen(len.map_err(|_| error(reply, "ERR The MAXLEN argument must be >= 0."))?)
    } else {
        Trim::MinId(id::strict_argument(reply, text)?)
    };
    Ok(TrimOption { trim, is_approximate, limit: 0, threshold_index })
}

/// The threshold that has, without `~`, the effect that an approximate trimming had.
pub(super) fn exact_threshold(trim: Trim, length: u64, first_stored_id: Option<StreamId>) -> Vec<u8> {
    match trim {
        Trim::MaxLen(_) => itoa::Buffer::new().format(length).as_bytes().to_vec(),
        Trim::MinId(_) => super::IdText::new(first_stored_id.unwrap_or(StreamId::MAX)).as_bytes().to_vec(),
    }
}
