//! Reading a manifest, with Redis' tolerance and Redis' words for every defect.

use thiserror::Error;

use super::{FileKind, MANIFEST_LINE_BYTES_MAX, Manifest, ManifestEntry, quote};
use crate::numbers::leading_integer;

/// What is wrong with a manifest. The texts are Redis'.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManifestDefect {
    /// Not a single line.
    #[error("Found an empty AOF manifest")]
    Empty,
    /// It could not be read.
    #[error("Read AOF manifest failed")]
    Unreadable,
    /// A line of more than 1024 bytes, or one that does not end.
    #[error("The AOF manifest file contains too long line")]
    TooLongLine,
    /// An empty line, an odd number of words, an unclosed quote, a missing field, sequence number zero.
    #[error("Invalid AOF manifest file format")]
    InvalidFormat,
    /// A name with a directory.
    #[error("File can't be a path, just a filename")]
    NameIsPath,
    /// Two bases.
    #[error("Found duplicate base file information")]
    DuplicateBase,
    /// Increments out of order.
    #[error("Found a non-monotonic sequence number")]
    NonMonotonicSequence,
    /// A type other than b, h and i.
    #[error("Unknown AOF file type")]
    UnknownFileType,
}

/// A defect and where it is.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{defect}")]
pub struct ManifestError {
    /// What is wrong.
    pub defect: ManifestDefect,
    /// Line number, from 1, and the line without surrounding blanks, where a single line is to blame.
    pub line: Option<(usize, Vec<u8>)>,
}

impl ManifestError {
    pub(crate) fn without_line(defect: ManifestDefect) -> Self {
        Self { defect, line: None }
    }

    /// The log lines that Redis prints before it exits.
    #[must_use]
    pub fn report(&self) -> Vec<String> {
        let mut lines = vec!["*** FATAL AOF MANIFEST FILE ERROR ***".to_owned()];
        if let Some((number, line)) = &self.line {
            lines.push(format!("Reading the manifest file, at line {number}"));
            lines.push(format!(">>> '{}'", String::from_utf8_lossy(line)));
        }
        lines.push(self.defect.to_string());
        lines
    }
}

pub(super) fn parse(text: &[u8]) -> Result<Manifest, ManifestError> {
    if text.is_empty() {
        return Err(ManifestError::without_line(ManifestDefect::Empty));
    }
    let mut manifest = Manifest::new();
    for (index, line) in (Lines { rest: text }).enumerate() {
        if line.starts_with(b"#") {
            continue;
        }
        let Some((b'\n', content)) = line.split_last().filter(|(_, content)| !content.contains(&0)) else {
            return Err(ManifestError::without_line(ManifestDefect::TooLongLine));
        };
        let content = content.trim_ascii();
        add_line(&mut manifest, content)
            .map_err(|defect| ManifestError { defect, line: Some((index + 1, content.to_vec())) })?;
    }
    Ok(manifest)
}

/// Lines with their ends; a line longer than the limit is handed out in pieces, the first without an end.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let window = &self.rest[..self.rest.len().min(MANIFEST_LINE_BYTES_MAX)];
        let length = window.iter().position(|&byte| byte == b'\n').map_or(window.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(length);
        self.rest = rest;
        Some(line)
    }
}

fn add_line(manifest: &mut Manifest, content: &[u8]) -> Result<(), ManifestDefect> {
    let words = quote::split(content).ok_or(ManifestDefect::InvalidFormat)?;
    if words.len() < 6 || words.len() % 2 != 0 {
        return Err(ManifestDefect::InvalidFormat);
    }
    let (mut name, mut sequence, mut letter, mut cut) = (None, 0, None, None);
    for pair in words.chunks_exact(2) {
        let (key, value) = (&pair[0], &pair[1]);
        if key.eq_ignore_ascii_case(b"file") {
            if value.iter().any(|byte| matches!(byte, b'/' | b'\\')) {
                return Err(ManifestDefect::NameIsPath);
            }
            name = Some(value.clone());
        } else if key.eq_ignore_ascii_case(b"seq") {
            sequence = leading_integer(value);
        } else if key.eq_ignore_ascii_case(b"type") {
            letter = value.first().copied();
        } else if key.eq_ignore_ascii_case(b"cut") {
            // Ours. A cut that cannot be read must not be ignored: what lies behind it would be loaded twice.
            let text = std::str::from_utf8(value).map_err(|_| ManifestDefect::InvalidFormat)?;
            cut = Some(text.parse().map_err(|_| ManifestDefect::InvalidFormat)?);
        }
    }
    let (Some(name), Some(letter)) = (name, letter) else { return Err(ManifestDefect::InvalidFormat) };
    // A name of dots would be the directory itself or its parent; the last number leaves none for the next file.
    if name.is_empty()
        || name == b"."
        || name == b".."
        || name.contains(&0)
        || sequence == 0
        || sequence == i64::MAX
    {
        return Err(ManifestDefect::InvalidFormat);
    }
    let entry = |kind| ManifestEntry { name, sequence, kind, cut };
    match letter {
        b'b' if manifest.base.is_some() => Err(ManifestDefect::DuplicateBase),
        b'b' => {
            manifest.base = Some(entry(FileKind::Base));
            manifest.base_sequence = sequence;
            Ok(())
        }
        b'h' => {
            manifest.history.push(entry(FileKind::History));
            Ok(())
        }
        b'i' if sequence <= manifest.increment_sequence => Err(ManifestDefect::NonMonotonicSequence),
        b'i' => {
            manifest.increments.push(entry(FileKind::Increment));
            manifest.increment_sequence = sequence;
            Ok(())
        }
        _ => Err(ManifestDefect::UnknownFileType),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defect(text: &str) -> Option<ManifestDefect> {
        Manifest::parse(text.as_bytes()).err().map(|error| error.defect)
    }

    #[test]
    fn every_defect_has_its_text() {
        let base = "file a.1.base.rdb seq 1 type b\n";
        let long = format!("file {} seq 1 type i\n", "a".repeat(1024));
        let cases: &[(&str, ManifestDefect)] = &[
            ("", ManifestDefect::Empty),
            ("file a seq 1 type i", ManifestDefect::TooLongLine),
            (&long, ManifestDefect::TooLongLine),
            ("\n", ManifestDefect::InvalidFormat),
            ("file a seq 1\n", ManifestDefect::InvalidFormat),
            ("file a seq 1 type\n", ManifestDefect::InvalidFormat),
            ("file a seq 1 type i odd\n", ManifestDefect::InvalidFormat),
            ("file a seq 0 type i\n", ManifestDefect::InvalidFormat),
            ("file \"a seq 1 type i\n", ManifestDefect::InvalidFormat),
            ("nofile a seq 1 type i\n", ManifestDefect::InvalidFormat),
            ("file a seq 1 type i cut x\n", ManifestDefect::InvalidFormat),
            ("file d/a seq 1 type i\n", ManifestDefect::NameIsPath),
            ("file a seq 2 type i\nfile b seq 2 type i\n", ManifestDefect::NonMonotonicSequence),
            ("file a seq 1 type x\n", ManifestDefect::UnknownFileType),
            (&format!("{base}{base}"), ManifestDefect::DuplicateBase),
        ];
        for (text, expected) in cases {
            assert_eq!(defect(text), Some(*expected), "{text:?}");
        }
    }

    #[test]
    fn redis_tolerance_is_ours() {
        assert_eq!(defect("# only a comment"), None);
        assert_eq!(defect("  FILE a SEQ 1x TYPE increment future value \r\n"), None);
        assert_eq!(defect("type i seq 5 file a\n"), None);
        assert_eq!(defect("file a seq 1 type h\nfile a seq 1 type h\n"), None);
    }

    #[test]
    fn the_report_is_redis() {
        let error = Manifest::parse(b"# x\nfile a seq 1 type x\n").unwrap_err();
        assert_eq!(
            error.report(),
            [
                "*** FATAL AOF MANIFEST FILE ERROR ***",
                "Reading the manifest file, at line 2",
                ">>> 'file a seq 1 type x'",
                "Unknown AOF file type",
            ]
        );
    }
}
