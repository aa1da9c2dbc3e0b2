//! Reading a configuration: file, standard input and command line as one text, line by line.
//!
//! Two things Redis does are not imitated: after an `include` it forgets that it is reading a file, so that
//! each later `save` line replaces the one before instead of adding to it; and a zero byte joins a line with
//! the next one, while here it only ends the line.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::directive::find;
use crate::host::{Host, NoHost};
use crate::kind::Session;
use crate::special::absolute;
use crate::split::split_args;
use crate::table::Config;
use crate::text::Text;

/// Where a configuration comes from, in the order in which it is read; what is read later wins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// The configuration file.
    pub config_file: Option<PathBuf>,
    /// Read more from standard input.
    pub standard_input: bool,
    /// More lines, made of the command line's options.
    pub options: Vec<u8>,
}

/// What the lines that are no directives declare.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declarations {
    /// `user` lines: the name and its rules.
    pub users: Vec<Vec<Text>>,
    /// `rename-command` lines in order.
    pub renamed_commands: Vec<RenamedCommand>,
    /// `loadmodule` lines: the path and its arguments.
    pub modules: Vec<Vec<Text>>,
    /// Lines whose name has a dot, which belong to modules: the name and the value.
    pub module_settings: Vec<(Text, Text)>,
}

/// A command with another name, or with none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenamedCommand {
    /// The name it had.
    pub from: Text,
    /// The name it gets; empty removes the command.
    pub to: Text,
}

/// A configuration that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The values of all directives.
    pub config: Config,
    /// What the other lines declare.
    pub declarations: Declarations,
    /// The absolute path of the configuration file, for CONFIG REWRITE and INFO.
    pub config_file: Option<PathBuf>,
    /// Lines for the log, at level warning.
    pub warnings: Vec<String>,
}

/// Why a configuration cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A line is wrong.
    #[error("line {number}: {reason}")]
    Line {
        /// Counted from one, in the text made of file, standard input and options, or in the included file.
        number: usize,
        /// The line without blanks around it.
        line: Text,
        /// What is wrong, in Redis' words.
        reason: String,
    },
    /// Every line is right, but not all together.
    #[error("{reason}")]
    Whole {
        /// What is wrong, in Redis' words.
        reason: String,
    },
    /// A configuration file cannot be read.
    #[error("Fatal error, can't open config file '{}': {reason}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

impl LoadError {
    /// What is printed before the server exits with status 1: for a wrong line or configuration the block
    /// that Redis prints to standard error (`server` stands where Redis names itself and its version), for a
    /// missing file the line that Redis logs.
    pub fn report(&self, server: &str) -> String {
        let mut report = format!("\n*** FATAL CONFIG FILE ERROR ({server}) ***\n");
        let reason = match self {
            Self::CannotOpen { .. } => return format!("{self}\n"),
            Self::Whole { reason } => reason,
            Self::Line { number, line, reason } => {
                let _ = writeln!(report, "Reading the configuration file, at line {number}\n>>> '{line}'");
                reason
            }
        };
        report.push_str(reason);
        report.push('\n');
        report
    }
}

/// How deep `include` may nest. Redis crashes on a file that includes itself.
const INCLUDE_DEPTH_MAX: usize = 32;

/// Directives of the past: accepted with one argument and forgotten.
const DEPRECATED: [&str; 3] =
    ["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

/// Reads a configuration.
pub fn load(source: &Source, host: &dyn Host) -> Result<Loaded, LoadError> {
    let working_directory = host.working_directory();
    let mut config = Config { dir: working_directory.as_path().into(), ..Config::default() };
    let mut reader = Reader {
        config: &mut config,
        declarations: Declarations::default(),
        session: Session::new(host, true),
        removed_commands: HashSet::new(),
        added_commands: HashSet::new(),
    };
    let config_file = source.config_file.as_ref().map(|path| absolute(&working_directory, path));
    let mut text = match &config_file {
        Some(path) => reader.read_files(path)?,
        None => Vec::new(),
    };
    if source.standard_input {
        let input =
            host.read_standard_input().map_err(|error| cannot_open(Path::new("-"), &error.reason()))?;
        text.extend(input);
    }
    text.push(b'\n');
    text.extend_from_slice(&source.options);
    reader.read_text(&text, 0)?;
    let Reader { declarations, session, .. } = reader;
    let warnings = session.warnings;
    if !config.logfile.is_empty()
        && let Err(error) = host.check_log_file(config.logfile.as_path())
    {
        return Err(LoadError::Whole { reason: format!("Can't open the log file: {}", error.reason()) });
    }
    Ok(Loaded { config, declarations, config_file, warnings })
}

/// Parses configuration text without any world around it: nothing can be included, every directory exists.
/// For fuzzing and for looking at a text.
pub fn parse_text(text: &[u8]) -> Result<(Config, Declarations), LoadError> {
    let source = Source { options: text.to_vec(), ..Source::default() };
    load(&source, &NoHost).map(|loaded| (loaded.config, loaded.declarations))
}

fn cannot_open(path: &Path, reason: &str) -> LoadError {
    LoadError::CannotOpen { path: path.to_owned(), reason: reason.to_owned() }
}

struct Reader<'a> {
    config: &'a mut Config,
    declarations: Declarations,
    session: Session<'a>,
    removed_commands: HashSet<Vec<u8>>,
    added_commands: HashSet<Vec<u8>>,
}

/// Why one line was refused: its own fault, or that of a file it includes.
enum LineError {
    Reason(String),
    Elsewhere(LoadError),
}

impl<T: Into<String>> From<T> for LineError {
    fn from(reason: T) -> Self {
        Self::Reason(reason.into())
    }
}

impl Reader<'_> {
    /// The contents of one file, or of all files that match a pattern; no match is no contents.
    fn read_files(&self, path: &Path) -> Result<Vec<u8>, LoadError> {
        use std::os::unix::ffi::OsStrExt;
        let read = |path: &Path| {
            self.session.host.read_file(path).map_err(|error| cannot_open(path, &error.reason()))
        };
        let is_pattern = path.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b'*' | b'?' | b'['));
        if !is_pattern {
            return read(path);
        }
        let mut text = Vec::new();
        for file in self.session.host.matching_files(path) {
            text.extend(read(&file)?);
        }
        Ok(text)
    }

    fn read_text(&mut self, text: &[u8], depth: usize) -> Result<(), LoadError> {
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.split(|&byte| byte == 0).next().unwrap_or_default();
            let line = trim(line);
            if line.is_empty() || line[0] == b'#' {
                continue;
            }
            self.read_line(line, depth).map_err(|error| match error {
                LineError::Elsewhere(error) => error,
                LineError::Reason(reason) => LoadError::Line { number: index + 1, line: line.into(), reason },
            })?;
        }
        Ok(())
    }

    fn read_line(&mut self, line: &[u8], depth: usize) -> Result<(), LineError> {
        let mut arguments = split_args(line).map_err(|_| "Unbalanced quotes in configuration line")?;
        let Some(name) = arguments.first_mut() else { return Ok(()) };
        name.make_ascii_lowercase();
        let Some((directive, _)) = find(&arguments[0]) else {
            return self.read_declaration(&arguments, depth);
        };
        let values = &arguments[1..];
        if !directive.slot.takes_many() && values.len() != 1 {
            return Err("wrong number of arguments".into());
        }
        let outcome = match values {
            // One quoted argument may hold several.
            [only] if directive.slot.takes_many() && !only.is_empty() => {
                let several = split_args(only).unwrap_or_default();
                directive.slot.assign(self.config, &several, &mut self.session)
            }
            _ => directive.slot.assign(self.config, values, &mut self.session),
        };
        outcome.map(|_| ()).map_err(LineError::from)
    }

    /// A line that is no directive of the table.
    fn read_declaration(&mut self, arguments: &[Vec<u8>], depth: usize) -> Result<(), LineError> {
        let texts =
            |arguments: &[Vec<u8>]| arguments.iter().map(|text| Text::from(text.as_slice())).collect();
        match arguments {
            [name, _] if DEPRECATED.iter().any(|known| known.as_bytes() == name) => {}
            [name, path] if name == b"include" => self.include(&Text::from(path.as_slice()), depth)?,
            [name, from, to] if name == b"rename-command" => self.rename_command(from, to)?,
            [name, _, ..] if name == b"user" => {
                self.session.host.check_user(arguments).map_err(|error| {
                    let culprit = arguments.get(error.argument).map_or(&[][..], Vec::as_slice);
                    format!(
                        "Error in user declaration '{}': {}",
                        String::from_utf8_lossy(culprit),
                        error.message
                    )
                })?;
                self.declarations.users.push(texts(&arguments[1..]));
            }
            [name, _, ..] if name == b"loadmodule" => self.declarations.modules.push(texts(&arguments[1..])),
            [name, values @ ..] if name.contains(&b'.') => {
                if values.is_empty() {
                    return Err("Module config specified without value".into());
                }
                let setting = (name.as_slice().into(), values.join(&b' ').into());
                self.declarations.module_settings.retain(|(known, _)| *known != setting.0);
                self.declarations.module_settings.push(setting);
            }
            [name] if name == b"sentinel" => {}
            [name, ..] if name == b"sentinel" => {
                return Err("sentinel directive while not in sentinel mode".into());
            }
            _ => return Err("Bad directive or wrong number of arguments".into()),
        }
        Ok(())
    }

    fn include(&mut self, path: &Text, depth: usize) -> Result<(), LineError> {
        if depth >= INCLUDE_DEPTH_MAX {
            return Err("Too many levels of include".into());
        }
        let text = self.read_files(path.as_path()).map_err(LineError::Elsewhere)?;
        self.read_text(&text, depth + 1).map_err(LineError::Elsewhere)
    }

    fn rename_command(&mut self, from: &[u8], to: &[u8]) -> Result<(), LineError> {
        let (old, new) = (from.to_ascii_lowercase(), to.to_ascii_lowercase());
        let exists = |reader: &Self, name: &Vec<u8>| {
            if reader.added_commands.contains(name) {
                Some(true)
            } else if reader.removed_commands.contains(name) {
                Some(false)
            } else {
                reader.session.host.has_command(name)
            }
        };
        if exists(self, &old) == Some(false) {
            return Err("No such command in rename-command".into());
        }
        self.added_commands.remove(&old);
        self.removed_commands.insert(old);
        if !new.is_empty() {
            if exists(self, &new) == Some(true) {
                return Err("Target command name already exists".into());
            }
            self.added_commands.insert(new);
        }
        self.declarations.renamed_commands.push(RenamedCommand { from: from.into(), to: to.into() });
        Ok(())
    }
}

/// Cuts off the blanks that Redis cuts off a line.
pub(crate) fn trim(mut line: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] | [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = line {
        line = rest;
    }
    line
}
