//! The table of all commands, and the search in it.

use lastsave_resp::Request;

use crate::spec::{CommandSpec, Group, Handler, KeyRange};
use crate::{
    bitmaps, functions, generic, geo, hashes, hyperloglog, lists, server, sets, sorted_sets, streams, strings,
};

/// Every family of commands. A command is added to its family's list, beside its implementation, and nowhere else.
/// Those used most come first, so that the search finds them with its first probe.
const FAMILIES: &[&[CommandSpec]] = &[
    strings::get::COMMANDS,
    strings::get_and_change::COMMANDS,
    strings::set::COMMANDS,
    strings::multiple::COMMANDS,
    strings::count::COMMANDS,
    strings::range::COMMANDS,
    strings::lcs::COMMANDS,
    lists::push::COMMANDS,
    lists::pop::COMMANDS,
    lists::read::COMMANDS,
    lists::change::COMMANDS,
    lists::transfer::COMMANDS,
    lists::wait::COMMANDS,
    hashes::get::COMMANDS,
    hashes::set::COMMANDS,
    hashes::count::COMMANDS,
    hashes::random::COMMANDS,
    hashes::scan::COMMANDS,
    hashes::expire::COMMANDS,
    hashes::time_to_live::COMMANDS,
    sets::members::COMMANDS,
    sets::random::COMMANDS,
    sets::combine::COMMANDS,
    sets::scan::COMMANDS,
    bitmaps::bit::COMMANDS,
    bitmaps::count::COMMANDS,
    bitmaps::operation::COMMANDS,
    bitmaps::field::COMMANDS,
    hyperloglog::add::COMMANDS,
    hyperloglog::count::COMMANDS,
    hyperloglog::merge::COMMANDS,
    hyperloglog::debug::COMMANDS,
    streams::add::COMMANDS,
    streams::range::COMMANDS,
    streams::read::COMMANDS,
    streams::read_group::COMMANDS,
    streams::delete::COMMANDS,
    streams::group::COMMANDS,
    streams::pending::COMMANDS,
    streams::claim::COMMANDS,
    streams::info::COMMANDS,
    generic::delete::COMMANDS,
    generic::lookup::COMMANDS,
    generic::iterate::COMMANDS,
    generic::rename::COMMANDS,
    generic::transfer::COMMANDS,
    generic::serialize::COMMANDS,
    generic::migrate::COMMANDS,
    generic::expire::COMMANDS,
    generic::time_to_live::COMMANDS,
    generic::object::COMMANDS,
    generic::database::COMMANDS,
    generic::memory::COMMANDS,
    generic::sort::COMMANDS,
    sorted_sets::add::COMMANDS,
    sorted_sets::lookup::COMMANDS,
    sorted_sets::range::COMMANDS,
    sorted_sets::remove::COMMANDS,
    sorted_sets::pop::COMMANDS,
    sorted_sets::wait::COMMANDS,
    sorted_sets::count::COMMANDS,
    sorted_sets::random::COMMANDS,
    sorted_sets::scan::COMMANDS,
    sorted_sets::combine::COMMANDS,
    geo::add::COMMANDS,
    geo::position::COMMANDS,
    geo::search::COMMANDS,
    functions::container::COMMANDS,
    functions::call::COMMANDS,
    server::backup::COMMANDS,
    server::client::COMMANDS,
    server::command::COMMANDS,
    server::config::COMMANDS,
    server::connection::COMMANDS,
    server::latency::COMMANDS,
    server::monitor::COMMANDS,
    server::persistence::COMMANDS,
    server::pubsub::COMMANDS,
    server::slowlog::COMMANDS,
    server::status::COMMANDS,
    server::transaction::COMMANDS,
];

const TOP_COUNT: usize = count_top();
const SUB_COUNT: usize = count_sub();
const EMPTY: CommandSpec = CommandSpec::new("", Group::Generic, Handler::Container);

static SUBCOMMANDS: [CommandSpec; SUB_COUNT] = flatten_subcommands();
static COMMANDS: [CommandSpec; TOP_COUNT] = flatten_commands();

const fn count_top() -> usize {
    let (mut count, mut family) = (0, 0);
    while family < FAMILIES.len() {
        count += FAMILIES[family].len();
        family += 1;
    }
    count
}

const fn count_sub() -> usize {
    let (mut count, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut index = 0;
        while index < FAMILIES[family].len() {
            count += FAMILIES[family][index].subcommands.len();
            index += 1;
        }
        family += 1;
    }
    count
}

/// Fills in what is computed from a declaration.
const fn finish(mut spec: CommandSpec, id: usize) -> CommandSpec {
    let (range, movable) = KeyRange::derive(spec.key_specs);
    spec.key_range = range;
    if movable {
        spec.flags = spec.flags.and(crate::spec::Flags::MOVABLE_KEYS);
    }
    spec.id = id as u16;
    spec
}

const fn flatten_commands() -> [CommandSpec; TOP_COUNT] {
    let mut commands = [EMPTY; TOP_COUNT];
    let (mut at, mut sub_at, mut family) = (0, 0, 0);
    while family < FAMILIES.len() {
        let mut index = 0;
        while index < FAMILIES[family].len() {
            let mut spec = finish(FAMILIES[family][index], at);
            let subs = spec.subcommands.len();
            spec.subcommands = SUBCOMMANDS.split_at(sub_at).1.split_at(subs).0;
            sub_at += subs;
            commands[at] = spec;
            at += 1;
            index += 1;
        }
        family += 1;
    }
    commands
}

const fn flatten_subcommands() -> [CommandSpec; SUB_COUNT] {
    let mut commands = [EMPTY; SUB_COUNT];
    let (mut at, mut family) = (0, 0);
    while family < FAMILIES.len() {
        let mut index = 0;
        while index < FAMILIES[family].len() {
            let subs = FAMILIES[family][index].subcommands;
            let mut sub = 0;
            while sub < subs.len() {
                commands[at] = finish(subs[sub], TOP_COUNT + at);
                at += 1;
                sub += 1;
            }
            index += 1;
        }
        family += 1;
    }
    commands
}

/// Slots of the search table: a power of two, several times the number of commands so that probes stay short.
const SLOTS: usize = (TOP_COUNT * 6).next_power_of_two();
const NO_COMMAND: u16 = u16::MAX;
static INDEX: [u16; SLOTS] = build_index();

/// The slot where the search for a name starts: a few bytes of it, lowered by setting bit 5, are enough to tell most
/// commands apart. Names are not empty.
#[inline]
const fn slot(name: &[u8]) -> usize {
    let len = name.len();
    let first = (name[0] | 0x20) as u32;
    let middle = (name[len / 2] | 0x20) as u32;
    let last = (name[len - 1] | 0x20) as u32;
    let second = (name[if len > 1 { 1 } else { 0 }] | 0x20) as u32;
    let mixed = (first | (middle << 8) | (last << 16) | (second << 24)).wrapping_add((len as u32) << 5);
    (mixed.wrapping_mul(0x9E37_79B1) >> 20) as usize & (SLOTS - 1)
}

const fn build_index() -> [u16; SLOTS] {
    let mut index = [NO_COMMAND; SLOTS];
    let mut command = 0;
    while command < TOP_COUNT {
        let mut at = slot(COMMANDS[command].name.as_bytes());
        while index[at] != NO_COMMAND {
            at = (at + 1) & (SLOTS - 1);
        }
        index[at] = command as u16;
        command += 1;
    }
    index
}

/// Finds a command by its name, ignoring case. Subcommands are found through [`resolve`] or
/// [`CommandSpec::subcommand`].
#[inline]
#[must_use]
pub fn lookup(name: &[u8]) -> Option<&'static CommandSpec> {
    if name.is_empty() {
        return None;
    }
    let mut at = slot(name);
    loop {
        // An empty slot ends the search: it is no valid position.
        let spec = COMMANDS.get(usize::from(INDEX[at]))?;
        if spec.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(spec);
        }
        at = (at + 1) & (SLOTS - 1);
    }
}

/// Finds a command or subcommand by its full name, such as `get` or `config|get`, ignoring case.
#[must_use]
pub fn lookup_full(full_name: &[u8]) -> Option<&'static CommandSpec> {
    match full_name.iter().position(|&byte| byte == b'|') {
        None => lookup(full_name),
        Some(bar) => lookup(&full_name[..bar])?.subcommand(&full_name[bar + 1..]),
    }
}

/// All commands that are no subcommand.
#[must_use]
pub fn all_commands() -> &'static [CommandSpec] {
    &COMMANDS
}

/// Number of commands and subcommands: every [`CommandSpec::id`] is below it.
#[must_use]
pub fn command_count() -> usize {
    TOP_COUNT + SUB_COUNT
}

/// The command or subcommand with this [`CommandSpec::id`].
#[must_use]
pub fn command_by_id(id: u16) -> Option<&'static CommandSpec> {
    let id = usize::from(id);
    COMMANDS.get(id).or_else(|| SUBCOMMANDS.get(id.checked_sub(TOP_COUNT)?))
}

/// Finds the command, or the subcommand of a container, that a request names, and checks the number of arguments.
///
/// # Errors
///
/// The error's [`Rejection::text`] is the reply a client gets. Where the command itself is known, the rejection tells.
#[inline]
pub fn resolve(request: Request<'_>) -> Result<&'static CommandSpec, Rejection> {
    let Some(spec) = lookup(request.arg(0)) else { return Err(Rejection::unknown(request)) };
    let spec = if spec.subcommands.is_empty() || request.len() == 1 {
        spec
    } else {
        match spec.subcommand(request.arg(1)) {
            Some(sub) => sub,
            None => return Err(Rejection::unknown_subcommand(spec, request)),
        }
    };
    if check_arity(spec, request.len()) { Ok(spec) } else { Err(Rejection::arity(spec)) }
}

/// Whether a request with `count` arguments, the name included, can be executed as this command. A container without
/// a subcommand cannot.
#[inline]
#[must_use]
pub fn check_arity(spec: &CommandSpec, count: usize) -> bool {
    spec.accepts(count)
}

/// Why a request was refused before anything was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    text: Vec<u8>,
    command_id: Option<u16>,
}

/// Longest part of a client's argument that an error text repeats.
pub(crate) const QUOTED_BYTES_MAX: usize = 128;

impl Rejection {
    /// The error reply without its leading `-`. It may quote any bytes a client sent.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The command's [`CommandSpec::id`], when the request named a known one.
    #[must_use]
    pub fn command_id(&self) -> Option<u16> {
        self.command_id
    }

    #[cold]
    fn unknown(request: Request<'_>) -> Self {
        let mut quoted = Vec::new();
        for argument in request.args().skip(1) {
            let Some(room) = QUOTED_BYTES_MAX.checked_sub(quoted.len()).filter(|room| *room > 0) else {
                break;
            };
            quoted.extend([b"'", printable(argument, room), b"' "].concat());
        }
        let name = printable(request.arg(0), QUOTED_BYTES_MAX);
        let text = [b"ERR unknown command '", name, b"', with args beginning with: ", &quoted].concat();
        Self { text, command_id: None }
    }

    #[cold]
    fn unknown_subcommand(container: &CommandSpec, request: Request<'_>) -> Self {
        let name = printable(request.arg(1), QUOTED_BYTES_MAX);
        let help = container.name.to_ascii_uppercase();
        let text = [b"ERR unknown subcommand '", name, b"'. Try ", help.as_bytes(), b" HELP."].concat();
        Self { text, command_id: None }
    }

    /// The request has too few or too many arguments for `spec`.
    #[cold]
    #[must_use]
    pub fn arity(spec: &CommandSpec) -> Self {
        Self {
            text: format!("ERR wrong number of arguments for '{}' command", spec.full_name).into_bytes(),
            command_id: Some(spec.id),
        }
    }
}

/// At most `bytes_max` bytes of an argument for an error text, up to the first NUL as C's `printf` would print it.
pub(crate) fn printable(argument: &[u8], bytes_max: usize) -> &[u8] {
    let argument = &argument[..argument.len().min(bytes_max)];
    let end = argument.iter().position(|byte| *byte == 0).unwrap_or(argument.len());
    &argument[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name_in_any_case() {
        for (position, spec) in all_commands().iter().enumerate() {
            assert_eq!(usize::from(spec.id), position);
            for name in [spec.name.to_string(), spec.name.to_ascii_uppercase()] {
                assert_eq!(lookup(name.as_bytes()).map(|found| found.id), Some(spec.id), "{name}");
            }
            for sub in spec.subcommands {
                assert_eq!(lookup_full(sub.full_name.as_bytes()).map(|found| found.id), Some(sub.id));
                assert_eq!(command_by_id(sub.id).map(|found| found.full_name), Some(sub.full_name));
                assert!(sub.full_name.starts_with(spec.name), "{} in {}", sub.full_name, spec.name);
            }
        }
        assert_eq!(command_by_id(command_count() as u16).map(|spec| spec.name), None);
    }

    #[test]
    fn what_is_no_command_is_not_found() {
        for name in ["", "g", "ge", "gett", "get ", "config|get", "\u{0}", "SeT\n"] {
            assert!(lookup(name.as_bytes()).is_none(), "{name:?}");
        }
        assert!(lookup_full(b"config|nothing").is_none());
        assert!(lookup_full(b"config|get|more").is_none());
    }

    #[test]
    fn the_search_seldom_probes_more_than_twice() {
        let probes = |spec: &CommandSpec| {
            let start = slot(spec.name.as_bytes());
            (0..SLOTS)
                .find(|step| INDEX[(start + step) & (SLOTS - 1)] == spec.id)
                .expect("the command is in the index")
        };
        for hot in ["get", "set", "incr", "del", "exists", "expire", "mget", "mset"] {
            assert_eq!(probes(lookup(hot.as_bytes()).expect("known")), 0, "{hot}");
        }
        assert!(all_commands().iter().map(probes).max().unwrap_or(0) <= 3);
    }

    #[test]
    fn names_are_unique_and_lower_case() {
        let mut names: Vec<_> = all_commands().iter().map(|spec| spec.name).collect();
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
