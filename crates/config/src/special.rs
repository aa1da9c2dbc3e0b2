//! The directives that are neither a flag, a number, a word nor a string: `dir`, `bind`, `replicaof`,
//! `maxmemory-clients`, `oom-score-adj-values`, `latency-tracking-info-percentiles`.

use crate::kind::{Kind, Reason, RewriteLine, Session};
use crate::number::{
    format_double, format_memory, parse_c_integer, parse_double, parse_integer, parse_memory,
};
use crate::split::quote;
use crate::text::Text;
use std::path::Path;

const WRONG_NUMBER: &str = "wrong number of arguments";

/// Joins with single blanks.
fn joined<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(part.as_ref());
    }
    out
}

/// An argument as a line of the file needs it: as it is when that is safe, else quoted.
fn argument(value: &[u8]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    if !value.is_empty() && value.iter().all(is_plain) { value.to_vec() } else { quote(value) }
}

/// The working directory: setting it enters it.
pub(crate) struct Directory;

impl Kind for Directory {
    type Value = Text;

    fn default(&self) -> Text {
        "./".into()
    }

    fn parse(&self, arguments: &[Vec<u8>], _: &Text, session: &mut Session<'_>) -> Result<Text, Reason> {
        let [argument] = arguments else { return Err(WRONG_NUMBER.into()) };
        let wanted = Text::from(argument.as_slice());
        let entered = session.host.enter_directory(wanted.as_path()).map_err(|error| error.reason())?;
        Ok(Text::from(entered.as_path()))
    }

    fn show(&self, value: &Text) -> Vec<u8> {
        value.to_vec()
    }

    fn rewrite(&self, name: &str, value: &Text) -> Vec<RewriteLine> {
        vec![RewriteLine::quoted(name, value, true)]
    }

    fn kind_name(&self) -> &'static str {
        "special"
    }

    fn accepted(&self) -> String {
        "an existing directory".into()
    }
}

/// The addresses to listen on.
pub(crate) struct Bind;

/// As many addresses as Redis listens on.
const BIND_ADDRESSES_MAX: usize = 16;

impl Kind for Bind {
    type Value = Vec<Text>;

    fn default(&self) -> Vec<Text> {
        vec!["*".into(), "-::*".into()]
    }

    fn parse(&self, arguments: &[Vec<u8>], _: &Vec<Text>, _: &mut Session<'_>) -> Result<Vec<Text>, Reason> {
        if arguments.len() > BIND_ADDRESSES_MAX {
            return Err("Too many bind addresses specified.".into());
        }
        if matches!(arguments, [only] if only.is_empty()) {
            return Ok(Vec::new());
        }
        Ok(arguments.iter().map(|argument| Text::from(argument.as_slice())).collect())
    }

    fn show(&self, value: &Vec<Text>) -> Vec<u8> {
        joined(value)
    }

    fn rewrite(&self, name: &str, value: &Vec<Text>) -> Vec<RewriteLine> {
        if *value == self.default() {
            Vec::new()
        } else if value.is_empty() {
            vec![RewriteLine::new(name, "\"\"", true)]
        } else {
            let mut arguments: Vec<_> = value.iter().map(|address| argument(address)).collect();
            // A single quoted argument is taken apart once more when it is read.
            if let [only] = arguments.as_mut_slice()
                && *only != *value[0]
            {
                *only = quote(only);
            }
            vec![RewriteLine::new(name, joined(arguments), true)]
        }
    }

    fn takes_many(&self) -> bool {
        true
    }

    fn kind_name(&self) -> &'static str {
        "special"
    }

    fn accepted(&self) -> String {
        format!("up to {BIND_ADDRESSES_MAX} addresses; `-` before one that may be missing; `\"\"` for none")
    }
}

/// The master to replicate from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaOf {
    /// Host name or address.
    pub host: Text,
    /// TCP port.
    pub port: u16,
}

pub(crate) struct ReplicaOfKind;

impl Kind for ReplicaOfKind {
    type Value = Option<ReplicaOf>;

    fn default(&self) -> Option<ReplicaOf> {
        None
    }

    fn parse(
        &self,
        arguments: &[Vec<u8>],
        _: &Option<ReplicaOf>,
        _: &mut Session<'_>,
    ) -> Result<Option<ReplicaOf>, Reason> {
        let [host, port] = arguments else { return Err(WRONG_NUMBER.into()) };
        if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
            return Ok(None);
        }
        let port = parse_c_integer(port, 10).and_then(|port| u16::try_from(port).ok());
        let port = port.ok_or(Reason::Borrowed("Invalid master port"))?;
        Ok(Some(ReplicaOf { host: host.as_slice().into(), port }))
    }

    fn show(&self, value: &Option<ReplicaOf>) -> Vec<u8> {
        let parts =
            value.iter().flat_map(|master| [master.host.to_vec(), master.port.to_string().into_bytes()]);
        joined(parts)
    }

    fn rewrite(&self, name: &str, value: &Option<ReplicaOf>) -> Vec<RewriteLine> {
        let line = |master: &ReplicaOf| {
            RewriteLine::new(name, joined([argument(&master.host), master.port.to_string().into()]), true)
        };
        value.iter().map(line).collect()
    }

    fn takes_many(&self) -> bool {
        true
    }

    fn kind_name(&self) -> &'static str {
        "special"
    }

    fn accepted(&self) -> String {
        "host port, or `no one`".into()
    }
}

/// The limit of `maxmemory-clients`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientMemory {
    /// Bytes; 0 means no limit.
    Bytes(u64),
    /// Percent of `maxmemory`.
    Percent(u8),
}

pub(crate) struct ClientMemoryKind;

impl Kind for ClientMemoryKind {
    type Value = ClientMemory;

    fn default(&self) -> ClientMemory {
        ClientMemory::Bytes(0)
    }

    fn parse(
        &self,
        arguments: &[Vec<u8>],
        _: &ClientMemory,
        _: &mut Session<'_>,
    ) -> Result<ClientMemory, Reason> {
        let text = arguments.first().map_or(&[][..], Vec::as_slice);
        const TOO_LARGE: Reason = Reason::Borrowed("percentage argument must be less or equal to 100");
        if let Some(bytes) = parse_memory(text) {
            // Redis keeps percents as negative numbers, so this is what it says about a size beyond 63 bits as well.
            return if i64::try_from(bytes).is_ok() {
                Ok(ClientMemory::Bytes(bytes))
            } else {
                Err(TOO_LARGE)
            };
        }
        let percent = text.strip_suffix(b"%").and_then(parse_integer).filter(|percent| *percent >= 0);
        match percent {
            None => Err("argument must be a memory or percent value".into()),
            Some(0) => Ok(ClientMemory::Bytes(0)),
            Some(percent @ 1..=100) => Ok(ClientMemory::Percent(percent as u8)),
            Some(_) => Err(TOO_LARGE),
        }
    }

    fn show(&self, value: &ClientMemory) -> Vec<u8> {
        match value {
            ClientMemory::Bytes(bytes) => bytes.to_string().into_bytes(),
            ClientMemory::Percent(percent) => format!("{percent}%").into_bytes(),
        }
    }

    fn rewrite(&self, name: &str, value: &ClientMemory) -> Vec<RewriteLine> {
        let text = match value {
            ClientMemory::Bytes(bytes) => format_memory(*bytes),
            ClientMemory::Percent(percent) => format!("{percent}%"),
        };
        vec![RewriteLine::new(name, text, *value != self.default())]
    }

    fn kind_name(&self) -> &'static str {
        "memory or percent"
    }

    fn accepted(&self) -> String {
        "0 or more, or 0% to 100%".into()
    }
}

/// The three out-of-memory scores: master, replica, background work.
pub(crate) struct OomScores;

impl Kind for OomScores {
    type Value = [i32; 3];

    fn default(&self) -> [i32; 3] {
        [0, 200, 800]
    }

    fn parse(
        &self,
        arguments: &[Vec<u8>],
        _: &[i32; 3],
        session: &mut Session<'_>,
    ) -> Result<[i32; 3], Reason> {
        let mut scores = [0; 3];
        if arguments.len() != scores.len() {
            return Err(WRONG_NUMBER.into());
        }
        for (score, argument) in scores.iter_mut().zip(arguments) {
            *score = parse_c_integer(argument, 10)
                .filter(|value| (-2000..=2000).contains(value))
                .and_then(|value| i32::try_from(value).ok())
                .ok_or(Reason::Borrowed(
                    "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
                ))?;
        }
        if !scores.is_sorted() {
            session.warnings.push(
                "The oom-score-adj-values configuration may not work for non-privileged processes! \
                 Please consult the documentation."
                    .into(),
            );
        }
        Ok(scores)
    }

    fn show(&self, value: &[i32; 3]) -> Vec<u8> {
        joined(value.map(|score| score.to_string()))
    }

    fn rewrite(&self, name: &str, value: &[i32; 3]) -> Vec<RewriteLine> {
        vec![RewriteLine::new(name, self.show(value), *value != self.default())]
    }

    fn takes_many(&self) -> bool {
        true
    }

    fn kind_name(&self) -> &'static str {
        "special"
    }

    fn accepted(&self) -> String {
        "three scores from -2000 to 2000".into()
    }
}

/// The percentiles INFO latencystats shows.
pub(crate) struct Percentiles;

impl Kind for Percentiles {
    type Value = Vec<f64>;

    fn default(&self) -> Vec<f64> {
        vec![50.0, 99.0, 99.9]
    }

    fn parse(&self, arguments: &[Vec<u8>], _: &Vec<f64>, _: &mut Session<'_>) -> Result<Vec<f64>, Reason> {
        if matches!(arguments, [only] if only.is_empty()) {
            return Ok(Vec::new());
        }
        let mut percentiles = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let value = parse_double(argument)
                .ok_or(Reason::Borrowed("Invalid latency-tracking-info-percentiles parameters"))?;
            if !(0.0..=100.0).contains(&value) {
                return Err(
                    "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into()
                );
            }
            percentiles.push(value);
        }
        Ok(percentiles)
    }

    fn show(&self, value: &Vec<f64>) -> Vec<u8> {
        joined(value.iter().map(|percentile| format_double(*percentile)))
    }

    fn rewrite(&self, name: &str, value: &Vec<f64>) -> Vec<RewriteLine> {
        let text = if value.is_empty() { b"\"\"".to_vec() } else { self.show(value) };
        vec![RewriteLine::new(name, text, true)]
    }

    fn takes_many(&self) -> bool {
        true
    }

    fn kind_name(&self) -> &'static str {
        "special"
    }

    fn accepted(&self) -> String {
        "numbers from 0 to 100; `\"\"` for none".into()
    }
}

/// The absolute, normalised form of a path: `.` and `..` are resolved without looking at the disk.
pub(crate) fn absolute(working_directory: &Path, path: &Path) -> std::path::PathBuf {
    use std::path::Component;
    let mut out = std::path::PathBuf::new();
    for component in working_directory.join(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}
