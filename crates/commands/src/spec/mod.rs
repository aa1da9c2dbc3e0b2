//! What the table knows about a command.

mod argument;
mod flags;
mod keys;
mod server_command;

use std::fmt;

use lastsave_resp::Request;

pub use argument::{Argument, ArgumentKind};
pub use flags::{Categories, DocFlags, Flags, KeyFlags};
pub use keys::{
    BeginSearch, FindKeys, InvalidKeys, KeyPosition, KeyPositions, KeyRange, KeySpec, find_keys, request_keys,
};
pub use server_command::ServerCommand;

use crate::context::Context;

/// The part of the documentation a command belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Keys of any type.
    Generic,
    /// Strings.
    String,
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Hashes.
    Hash,
    /// Publish and subscribe.
    PubSub,
    /// Scripts and functions.
    Scripting,
    /// HyperLogLog.
    HyperLogLog,
    /// Clusters of servers.
    Cluster,
    /// Geographic indexes.
    Geo,
    /// Streams.
    Stream,
    /// Bitmaps.
    Bitmap,
    /// The connection itself.
    Connection,
    /// The server.
    Server,
    /// MULTI and its relatives.
    Transactions,
}

impl Group {
    /// The name COMMAND DOCS replies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::String => "string",
            Self::List => "list",
            Self::Set => "set",
            Self::SortedSet => "sorted-set",
            Self::Hash => "hash",
            Self::PubSub => "pubsub",
            Self::Scripting => "scripting",
            Self::HyperLogLog => "hyperloglog",
            Self::Cluster => "cluster",
            Self::Geo => "geo",
            Self::Stream => "stream",
            Self::Bitmap => "bitmap",
            Self::Connection => "connection",
            Self::Server => "server",
            Self::Transactions => "transactions",
        }
    }
}

/// A command that needs nothing but the data set: executed by [`crate::execute`].
pub type DataCommand = fn(&mut Context<'_>, Request<'_>);

/// What [`CommandSpec::variable_key_flags`] calls: number of arguments, and access to each.
pub type KeyFlagsResolver = for<'a> fn(usize, &dyn Fn(usize) -> &'a [u8]) -> KeyFlags;

/// What [`CommandSpec::key_finder`] calls: number of arguments, and access to each.
pub type KeyFinder = for<'a> fn(usize, &dyn Fn(usize) -> &'a [u8]) -> Result<KeyPositions, InvalidKeys>;

/// Who executes a command.
#[derive(Clone, Copy)]
pub enum Handler {
    /// This crate.
    Data(DataCommand),
    /// The server.
    Server(ServerCommand),
    /// Nobody: only its subcommands can be executed.
    Container,
}

impl fmt::Debug for Handler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(_) => formatter.write_str("Data"),
            Self::Server(command) => write!(formatter, "Server({command:?})"),
            Self::Container => formatter.write_str("Container"),
        }
    }
}

/// Everything known about one command or subcommand.
#[derive(Debug, Clone, Copy)]
pub struct CommandSpec {
    /// Its position in the table, subcommands included: an index for per-command statistics. See [`crate::command_count`].
    pub id: u16,
    /// Its own name in lower case, without its container's.
    pub name: &'static str,
    /// The container's name and its own joined by `|`; the same as `name` for commands that are no subcommand.
    pub full_name: &'static str,
    /// Its group.
    pub group: Group,
    /// What it does.
    pub summary: &'static str,
    /// Its cost; empty when not told.
    pub complexity: &'static str,
    /// The version of Redis that introduced it.
    pub since: &'static str,
    /// Number of arguments with the name; negative for a minimum.
    pub arity: i32,
    /// What it does and where it is allowed.
    pub flags: Flags,
    /// Access-control categories beyond those that follow from the flags; see [`Self::categories`].
    pub declared_categories: Categories,
    /// Where its keys are.
    pub key_specs: &'static [KeySpec],
    /// The same as first, last and step, as far as it can be expressed.
    pub key_range: KeyRange,
    /// Computes a key's flags when they depend on the other arguments.
    pub variable_key_flags: Option<KeyFlagsResolver>,
    /// Finds the keys where the specifications cannot; it is asked only when they fail.
    pub key_finder: Option<KeyFinder>,
    /// Hints for clients and proxies.
    pub tips: &'static [&'static str],
    /// Remarks about the command as such.
    pub doc_flags: DocFlags,
    /// The version that deprecated it.
    pub deprecated_since: Option<&'static str>,
    /// What to use instead.
    pub replaced_by: Option<&'static str>,
    /// Changes: version and text.
    pub history: &'static [(&'static str, &'static str)],
    /// Its arguments.
    pub arguments: &'static [Argument],
    /// Its subcommands.
    pub subcommands: &'static [CommandSpec],
    /// Lines of its HELP subcommand, without the frame every HELP has.
    pub help: &'static [&'static str],
    /// Who executes it.
    pub handler: Handler,
}

impl CommandSpec {
    /// A command about which only this is known; the base of every declaration. The name of a subcommand is written
    /// with its container's: `"config|get"`.
    #[must_use]
    pub const fn new(full_name: &'static str, group: Group, handler: Handler) -> Self {
        Self {
            id: 0,
            name: last_part(full_name),
            full_name,
            group,
            summary: "",
            complexity: "",
            since: "",
            arity: -1,
            flags: Flags::NONE,
            declared_categories: Categories::NONE,
            key_specs: &[],
            key_range: KeyRange { first: 0, last: 0, step: 0 },
            variable_key_flags: None,
            key_finder: None,
            tips: &[],
            doc_flags: DocFlags::NONE,
            deprecated_since: None,
            replaced_by: None,
            history: &[],
            arguments: &[],
            subcommands: &[],
            help: &[],
            handler,
        }
    }

    /// Whether a request with `count` arguments, the name included, fits the command's arity.
    #[inline]
    #[must_use]
    pub const fn accepts(&self, count: usize) -> bool {
        let count = count as i64;
        let arity = self.arity as i64;
        if arity >= 0 { count == arity } else { count >= -arity }
    }

    /// All access-control categories, those that follow from the flags included.
    #[must_use]
    pub const fn categories(&self) -> Categories {
        let mut categories = self.declared_categories;
        if self.flags.has(Flags::WRITE) {
            categories = categories.and(Categories::WRITE);
        }
        if self.flags.has(Flags::READONLY) && !categories.has(Categories::SCRIPTING) {
            categories = categories.and(Categories::READ);
        }
        if self.flags.has(Flags::ADMIN) {
            categories = categories.and(Categories::ADMIN).and(Categories::DANGEROUS);
        }
        if self.flags.has(Flags::PUBSUB) {
            categories = categories.and(Categories::PUBSUB);
        }
        if self.flags.has(Flags::FAST) {
            categories = categories.and(Categories::FAST);
        }
        if self.flags.has(Flags::BLOCKING) {
            categories = categories.and(Categories::BLOCKING);
        }
        if categories.has(Categories::FAST) { categories } else { categories.and(Categories::SLOW) }
    }

    /// Whether the command names keys at all.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.key_specs.iter().any(|spec| !spec.flags.has(KeyFlags::NOT_KEY))
    }

    /// The subcommand with this name, ignoring case.
    #[must_use]
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static CommandSpec> {
        self.subcommands.iter().find(|sub| sub.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// Whether the command may change the data set.
    #[inline]
    #[must_use]
    pub const fn is_write(&self) -> bool {
        self.flags.has(Flags::WRITE)
    }
}

/// What follows the `|` of a subcommand's full name, or the whole name of any other command.
const fn last_part(full_name: &'static str) -> &'static str {
    let bytes = full_name.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if bytes[index] == b'|' {
            return full_name.split_at(index + 1).1;
        }
        index += 1;
    }
    full_name
}
