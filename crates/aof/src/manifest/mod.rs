//! The manifest: which files make up the log, in which order they are loaded.
//!
//! One line per file, `file <name> seq <n> type <b|h|i>`; base first, then history, then increments. Sequence numbers of
//! bases and of increments are independent counters. The page `docs/formats/aof.md` holds the grammar.

mod parse;
mod quote;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

pub use parse::{ManifestDefect, ManifestError};

use crate::names::LogNames;

/// Longest line a manifest may have, with its line end.
pub const MANIFEST_LINE_BYTES_MAX: usize = 1024;

/// What a listed file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A whole data set, in RDB form or as commands.
    Base,
    /// No longer needed; kept until it is deleted.
    History,
    /// Commands that follow the base and the increments before it.
    Increment,
}

impl FileKind {
    const fn letter(self) -> char {
        match self {
            Self::Base => 'b',
            Self::History => 'h',
            Self::Increment => 'i',
        }
    }
}

/// One line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestEntry {
    /// File name without a directory; any bytes but `/`, `\` and NUL.
    pub name: Vec<u8>,
    /// Sequence number, never zero.
    pub sequence: i64,
    /// What the file is.
    pub kind: FileKind,
    /// The file counts up to this byte only; what lies behind was written again to the next increment. Written as the
    /// extra pair `cut <n>`, which Redis ignores.
    pub cut: Option<u64>,
}

impl ManifestEntry {
    /// The name for use with a storage.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.name))
    }

    /// The name for messages.
    #[must_use]
    pub fn display_name(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    fn push_line(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"file ");
        quote::push_argument(out, &self.name);
        out.extend_from_slice(format!(" seq {} type {}", self.sequence, self.kind.letter()).as_bytes());
        if let Some(cut) = self.cut {
            out.extend_from_slice(format!(" cut {cut}").as_bytes());
        }
        out.push(b'\n');
    }
}

/// The files of a log. Values are built by parsing, or from nothing by the methods that keep the rules: one base,
/// increments in rising order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    base: Option<ManifestEntry>,
    history: Vec<ManifestEntry>,
    increments: Vec<ManifestEntry>,
    base_sequence: i64,
    increment_sequence: i64,
}

impl Manifest {
    /// A manifest that lists nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The manifest that takes in a log of the time before manifests: one base named as the log itself.
    #[must_use]
    pub fn for_single_file(names: &LogNames) -> Self {
        let entry = ManifestEntry {
            name: names.single_file().to_vec(),
            sequence: 1,
            kind: FileKind::Base,
            cut: None,
        };
        Self { base: Some(entry), base_sequence: 1, ..Self::default() }
    }

    /// The manifest that lists files by number and name. Increments come in rising order.
    #[must_use]
    pub fn from_files(base: Option<(i64, Vec<u8>)>, increments: Vec<(i64, Vec<u8>)>) -> Self {
        let entry = |kind| move |(sequence, name)| ManifestEntry { name, sequence, kind, cut: None };
        let base_sequence = base.as_ref().map_or(0, |(sequence, _)| *sequence);
        let increment_sequence = increments.last().map_or(0, |(sequence, _)| *sequence);
        Self {
            base: base.map(entry(FileKind::Base)),
            history: Vec::new(),
            increments: increments.into_iter().map(entry(FileKind::Increment)).collect(),
            base_sequence,
            increment_sequence,
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// The first defect, with its line.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        parse::parse(text)
    }

    /// The text of the manifest. Never empty: a manifest that lists nothing must not be written.
    ///
    /// # Panics
    /// When nothing is listed.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        assert!(!self.is_empty(), "a manifest that lists nothing is not written");
        let mut out = Vec::new();
        for entry in self.base.iter().chain(&self.history).chain(&self.increments) {
            entry.push_line(&mut out);
        }
        out
    }

    /// The base.
    #[must_use]
    pub fn base(&self) -> Option<&ManifestEntry> {
        self.base.as_ref()
    }

    /// Files waiting to be deleted.
    #[must_use]
    pub fn history(&self) -> &[ManifestEntry] {
        &self.history
    }

    /// The increments in the order in which they are loaded.
    #[must_use]
    pub fn increments(&self) -> &[ManifestEntry] {
        &self.increments
    }

    /// The increment that is appended to.
    #[must_use]
    pub fn last_increment(&self) -> Option<&ManifestEntry> {
        self.increments.last()
    }

    /// Everything that is loaded, in order.
    pub fn loaded_files(&self) -> impl Iterator<Item = &ManifestEntry> {
        self.base.iter().chain(&self.increments)
    }

    /// Whether nothing is listed at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.base.is_none() && self.history.is_empty() && self.increments.is_empty()
    }

    /// Whether nothing is listed that would be loaded.
    #[must_use]
    pub fn is_without_data(&self) -> bool {
        self.base.is_none() && self.increments.is_empty()
    }

    /// Sequence number of the increment that [`Manifest::push_increment`] would list.
    #[must_use]
    pub fn next_increment_sequence(&self, names: &LogNames) -> i64 {
        self.free_sequence(self.increment_sequence, |sequence| names.increment(sequence))
    }

    /// The first number after `last` whose name no file of the history still has: reusing it would let the deletion of
    /// the history take the new file.
    fn free_sequence(&self, last: i64, name: impl Fn(i64) -> Vec<u8>) -> i64 {
        let mut sequence = last;
        loop {
            sequence = sequence.checked_add(1).expect("sequence numbers do not run out");
            let candidate = name(sequence);
            if !self.history.iter().any(|entry| entry.name == candidate) {
                return sequence;
            }
        }
    }

    /// Lists the next increment and returns its entry.
    pub fn push_increment(&mut self, names: &LogNames) -> ManifestEntry {
        let sequence = self.next_increment_sequence(names);
        let entry =
            ManifestEntry { name: names.increment(sequence), sequence, kind: FileKind::Increment, cut: None };
        self.increment_sequence = sequence;
        self.increments.push(entry.clone());
        entry
    }

    /// What is loaded before the last increment, as a manifest of its own, without the history.
    #[must_use]
    pub fn without_last_increment(&self) -> Self {
        let mut increments = self.increments.clone();
        increments.pop();
        let increment_sequence = increments.last().map_or(0, |entry| entry.sequence);
        Self { increments, increment_sequence, history: Vec::new(), ..self.clone() }
    }

    /// Lists the next base; the one before becomes history.
    pub fn replace_base(&mut self, names: &LogNames, form: BaseForm) -> ManifestEntry {
        let sequence = self.free_sequence(self.base_sequence, |sequence| names.base(sequence, form));
        if let Some(mut old) = self.base.take() {
            old.kind = FileKind::History;
            old.cut = None;
            // Newest first, as Redis keeps it.
            self.history.insert(0, old);
        }
        let entry =
            ManifestEntry { name: names.base(sequence, form), sequence, kind: FileKind::Base, cut: None };
        self.base_sequence = sequence;
        self.base = Some(entry.clone());
        entry
    }

    /// Turns the increments that a new base holds into history: all but the last `keep`.
    pub fn retire_increments(&mut self, keep: usize) {
        let retired = self.increments.len().saturating_sub(keep);
        for mut entry in self.increments.drain(..retired).collect::<Vec<_>>().into_iter().rev() {
            entry.kind = FileKind::History;
            entry.cut = None;
            self.history.insert(0, entry);
        }
        if self.increments.is_empty() {
            // Redis starts over at 1 when no increment is left.
            self.increment_sequence = 0;
        }
    }

    /// Declares that a base or increment ends at `cut`, or that it ends where its file ends. Returns whether it is listed.
    pub fn set_cut(&mut self, kind: FileKind, sequence: i64, cut: Option<u64>) -> bool {
        let mut loaded = self.base.iter_mut().chain(&mut self.increments);
        let entry = loaded.find(|entry| entry.kind == kind && entry.sequence == sequence);
        entry.map(|entry| entry.cut = cut).is_some()
    }

    /// Drops all declarations of cuts: every file ends where it is declared to end.
    pub fn clear_cuts(&mut self) {
        for entry in self.base.iter_mut().chain(&mut self.increments) {
            entry.cut = None;
        }
    }

    /// Forgets files of the history, which have been deleted. Returns whether there were any.
    pub fn forget_history(&mut self, files: &[ManifestEntry]) -> bool {
        let before = self.history.len();
        self.history.retain(|entry| !files.contains(entry));
        self.history.len() < before
    }
}

/// The form of a base, which its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BaseForm {
    /// `.base.rdb`
    Rdb,
    /// `.base.aof`
    Commands,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names() -> LogNames {
        LogNames::new("appendonly.aof", "appendonlydir").unwrap()
    }

    fn text(manifest: &Manifest) -> String {
        String::from_utf8(manifest.to_text()).unwrap()
    }

    #[test]
    fn a_rewrite_reads_as_with_redis() {
        let names = names();
        let mut manifest = Manifest::new();
        manifest.replace_base(&names, BaseForm::Rdb);
        manifest.push_increment(&names);
        assert_eq!(
            text(&manifest),
            "file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n"
        );
        manifest.push_increment(&names);
        manifest.replace_base(&names, BaseForm::Commands);
        manifest.retire_increments(1);
        assert_eq!(
            text(&manifest),
            "file appendonly.aof.2.base.aof seq 2 type b\n\
             file appendonly.aof.1.incr.aof seq 1 type h\n\
             file appendonly.aof.1.base.rdb seq 1 type h\n\
             file appendonly.aof.2.incr.aof seq 2 type i\n"
        );
        let history = manifest.history().to_vec();
        assert!(manifest.forget_history(&history));
        assert!(!manifest.forget_history(&history));
    }

    #[test]
    fn a_cut_is_an_extra_pair() {
        let names = names();
        let mut manifest = Manifest::new();
        manifest.push_increment(&names);
        assert!(manifest.set_cut(FileKind::Increment, 1, Some(4096)));
        manifest.push_increment(&names);
        assert!(text(&manifest).starts_with("file appendonly.aof.1.incr.aof seq 1 type i cut 4096\n"));
        assert_eq!(Manifest::parse(&manifest.to_text()), Ok(manifest));
    }

    #[test]
    fn odd_names_are_quoted() {
        let names = LogNames::new(" file seq \n\n.aof ", "d").unwrap();
        let mut manifest = Manifest::new();
        manifest.replace_base(&names, BaseForm::Rdb);
        assert_eq!(text(&manifest), "file \" file seq \\n\\n.aof .1.base.rdb\" seq 1 type b\n");
        assert_eq!(Manifest::parse(&manifest.to_text()), Ok(manifest));
    }

    proptest! {
        #[test]
        fn any_manifest_survives(
            name in proptest::collection::vec(any::<u8>(), 1..20),
            increments in 0..5usize, keep in 0..5usize, rewrites in 0..3usize,
        ) {
            let Ok(names) = LogNames::from_bytes(&name, b"d") else { return Ok(()) };
            prop_assume!(!name.contains(&b'\\') && !name.contains(&0));
            let mut manifest = Manifest::new();
            manifest.replace_base(&names, BaseForm::Rdb);
            for _ in 0..rewrites {
                for _ in 0..increments {
                    manifest.push_increment(&names);
                }
                manifest.replace_base(&names, BaseForm::Commands);
                manifest.retire_increments(keep);
            }
            let parsed = Manifest::parse(&manifest.to_text()).unwrap();
            prop_assert_eq!(parsed, manifest);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Manifest::parse(&text);
        }
    }
}
