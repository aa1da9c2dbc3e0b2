//! The server's command line: an optional configuration file, then options that are lines of configuration.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::load::Source;
use crate::split::{quote_into, split_args};

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandLine {
    /// Serve, configured like this.
    Serve(Source),
    /// Print the version and exit with 0.
    Version,
    /// Print [`USAGE`] to standard error and exit with 1.
    Help,
    /// Test that many megabytes of memory. `None`: print [`TEST_MEMORY_USAGE`] to standard error and exit
    /// with 1.
    TestMemory(Option<u64>),
    /// Look for known problems of the system and exit.
    CheckSystem,
    /// Act as Sentinel, which this server cannot.
    Sentinel,
}

/// What `--help` prints.
pub const USAGE: &str = "\
Usage: ./redis-server [/path/to/redis.conf] [options] [-]
       ./redis-server - (read config from stdin)
       ./redis-server -v or --version
       ./redis-server -h or --help
       ./redis-server --test-memory <megabytes>
       ./redis-server --check-system

Examples:
       ./redis-server (run the server with default conf)
       echo 'maxmemory 128mb' | ./redis-server -
       ./redis-server /etc/redis/6379.conf
       ./redis-server --port 7777
       ./redis-server --port 7777 --replicaof 127.0.0.1 8888
       ./redis-server /etc/myredis.conf --loglevel verbose -
       ./redis-server /etc/myredis.conf --loglevel verbose

";

/// What `--test-memory` without a number prints.
pub const TEST_MEMORY_USAGE: &str = "\
Please specify the amount of memory to test in megabytes.
Example: ./redis-server --test-memory 4096

";

/// Reads the arguments behind the program's name.
///
/// `--name` begins a line of configuration and what follows are its arguments, up to the next `--name`; the
/// argument right behind a bare `--name` belongs to it even if it begins with `--`. `"--name value"` in one
/// argument works, too. `--save` before another option or at the end means `save ""`. A `-` in the first or
/// last place reads standard input.
///
/// ```
/// # use lastsave_config::{parse_command_line, CommandLine};
/// let CommandLine::Serve(source) = parse_command_line(["--port", "7000", "--save"].map(Into::into)) else { panic!() };
/// assert_eq!(source.options, b"port \"7000\" \nsave \"\"");
/// ```
pub fn parse_command_line(arguments: impl IntoIterator<Item = OsString>) -> CommandLine {
    let arguments: Vec<Vec<u8>> = arguments.into_iter().map(OsStringExt::into_vec).collect();
    if arguments.iter().any(|argument| argument == b"--sentinel") {
        return CommandLine::Sentinel;
    }
    let Some(first) = arguments.first() else { return CommandLine::Serve(Source::default()) };
    match first.as_slice() {
        b"-v" | b"--version" => return CommandLine::Version,
        b"-h" | b"--help" => return CommandLine::Help,
        b"--check-system" => return CommandLine::CheckSystem,
        b"--test-memory" => {
            let [_, megabytes] = arguments.as_slice() else { return CommandLine::TestMemory(None) };
            return CommandLine::TestMemory(Some(leading_number(megabytes)));
        }
        _ => {}
    }
    let mut source = Source::default();
    let mut rest = arguments.as_slice();
    if !first.starts_with(b"-") {
        source.config_file = Some(PathBuf::from(std::ffi::OsStr::from_bytes(first)));
        rest = &rest[1..];
    }
    let starts_with_option = source.config_file.is_none();
    let mut last_is_complete = true;
    for (index, argument) in rest.iter().enumerate() {
        let is_last = index + 1 == rest.len();
        if argument == b"-" && (is_last || (index == 0 && starts_with_option)) {
            source.standard_input = true;
        } else if let Some(line) = argument.strip_prefix(b"--").filter(|_| last_is_complete) {
            let next = rest.get(index + 1).map(Vec::as_slice);
            last_is_complete = begin_option(&mut source.options, argument, line, next);
        } else {
            quote_into(&mut source.options, argument);
            source.options.push(b' ');
            last_is_complete = true;
        }
    }
    CommandLine::Serve(source)
}

/// Begins a line of configuration; tells whether the option is complete, so that another may follow.
fn begin_option(options: &mut Vec<u8>, argument: &[u8], line: &[u8], next: Option<&[u8]>) -> bool {
    if !options.is_empty() {
        options.push(b'\n');
    }
    options.extend_from_slice(line);
    options.push(b' ');
    let is_bare = split_args(argument).is_ok_and(|parts| parts.len() == 1);
    if !is_bare {
        return true;
    }
    let is_save = argument.eq_ignore_ascii_case(b"--save");
    let option_follows = next.is_some_and(|next| next.starts_with(b"--"));
    if is_save && (option_follows || next.is_none()) {
        options.extend_from_slice(b"\"\"");
    }
    is_save && option_follows
}

/// The digits at the start, as a number; none is zero.
fn leading_number(text: &[u8]) -> u64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(arguments: &[&str]) -> String {
        let CommandLine::Serve(source) = parse_command_line(arguments.iter().map(OsString::from)) else {
            panic!("{arguments:?} does not serve")
        };
        String::from_utf8(source.options).expect("the test's arguments are text")
    }

    #[test]
    fn options_become_lines() {
        assert_eq!(options(&[]), "");
        assert_eq!(options(&["--port", "1", "--hz", "2"]), "port \"1\" \nhz \"2\" ");
        assert_eq!(options(&["--port 1", "--hz 2"]), "port 1 \nhz 2 ");
        assert_eq!(options(&["--port", "--hz", "2"]), "port \"--hz\" \"2\" ");
        assert_eq!(options(&["--save", "--hz", "2"]), "save \"\"\nhz \"2\" ");
        assert_eq!(options(&["--SAVE"]), "SAVE \"\"");
        assert_eq!(options(&["--save", "", "--hz", "2"]), "save \"\" \nhz \"2\" ");
        assert_eq!(options(&["--save", "60", "1"]), "save \"60\" \"1\" ");
        assert_eq!(options(&["-x"]), "\"-x\" ");
    }

    #[test]
    fn special_forms() {
        let parse = |arguments: &[&str]| parse_command_line(arguments.iter().map(OsString::from));
        assert_eq!(parse(&["-v"]), CommandLine::Version);
        assert_eq!(parse(&["--help", "x"]), CommandLine::Help);
        assert_eq!(parse(&["--test-memory", "12x"]), CommandLine::TestMemory(Some(12)));
        assert_eq!(parse(&["--test-memory"]), CommandLine::TestMemory(None));
        assert_eq!(parse(&["--check-system"]), CommandLine::CheckSystem);
        assert_eq!(parse(&["x.conf", "--sentinel"]), CommandLine::Sentinel);
        let with_input = |config_file: Option<&str>, options: &str| {
            CommandLine::Serve(Source {
                config_file: config_file.map(PathBuf::from),
                standard_input: true,
                options: options.into(),
            })
        };
        assert_eq!(parse(&["-"]), with_input(None, ""));
        assert_eq!(parse(&["x.conf", "-"]), with_input(Some("x.conf"), ""));
        assert_eq!(parse(&["-", "--hz", "1"]), with_input(None, "hz \"1\" "));
        assert_eq!(parse(&["x.conf", "--hz", "1", "-"]), with_input(Some("x.conf"), "hz \"1\" "));
    }
}
