//! Which tool the program was called as.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    CheckAof,
    CheckRdb,
    Log,
    Restore,
}

impl Tool {
    /// Those that Redis has as programs of their own, and what the names of these end with.
    const PROGRAMS: [(Self, &'static str); 2] =
        [(Self::CheckAof, "check-aof"), (Self::CheckRdb, "check-rdb")];

    /// Those that a first argument asks for.
    const SUBCOMMANDS: [(Self, &'static str); 4] =
        [Self::PROGRAMS[0], Self::PROGRAMS[1], (Self::Log, "log"), (Self::Restore, "restore")];
}

/// A command line that asks for a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) tool: Tool,
    /// What the tool was called as, for its usage line.
    pub(crate) program: String,
    /// The arguments behind that.
    pub(crate) arguments: Vec<OsString>,
}

/// The tool that a command line asks for: by the name of the program, such as `redis-check-aof`, or by its first
/// argument, such as `check-aof`.
pub(crate) fn tool(arguments: &[OsString]) -> Option<Call> {
    let (program, rest) = arguments.split_first()?;
    let name = Path::new(program).file_name().unwrap_or(OsStr::new("")).to_string_lossy();
    let by_name = Tool::PROGRAMS.into_iter().find(|(_, suffix)| name.ends_with(suffix));
    if let Some((tool, _)) = by_name {
        let program = program.to_string_lossy().into_owned();
        return Some(Call { tool, program, arguments: rest.to_vec() });
    }
    let (first, rest) = rest.split_first()?;
    let (tool, word) = Tool::SUBCOMMANDS.into_iter().find(|(_, word)| first == word)?;
    let program = format!("{} {word}", program.to_string_lossy());
    Some(Call { tool, program, arguments: rest.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(arguments: &[&str]) -> Option<(Tool, String, usize)> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        tool(&arguments).map(|call| (call.tool, call.program, call.arguments.len()))
    }

    #[test]
    fn the_name_decides_then_the_first_argument() {
        let aof = |program: &str, rest| Some((Tool::CheckAof, program.to_owned(), rest));
        assert_eq!(called(&["/usr/bin/redis-check-aof", "x"]), aof("/usr/bin/redis-check-aof", 1));
        assert_eq!(called(&["lastsave-check-aof"]), aof("lastsave-check-aof", 0));
        assert_eq!(
            called(&["x/lastsave-server", "check-aof", "a", "b"]),
            aof("x/lastsave-server check-aof", 2)
        );
        assert_eq!(
            called(&["redis-check-rdb", "check-aof"]),
            Some((Tool::CheckRdb, "redis-check-rdb".to_owned(), 1))
        );
        for server in [
            &["redis-server", "redis.conf"][..],
            &["lastsave-server"],
            &["check-aof/server"],
            &["x/my-log"],
            &[],
        ] {
            assert_eq!(called(server), None);
        }
    }
}
