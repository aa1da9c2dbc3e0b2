//! Names of the files of a log, all derived from `appendfilename` and `appenddirname`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::manifest::{BaseForm, FileKind};

/// What the directory of file sets that were kept has behind the name of the log's own directory.
pub const RETAINED_SUFFIX: &str = "-retained";

/// A setting that cannot be a file name. The texts are Redis', for the reply of CONFIG.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// `appendfilename` is empty.
    #[error("appendfilename can't be empty")]
    EmptyFileName,
    /// `appendfilename` holds a `/` (or a NUL, which no file name may).
    #[error("appendfilename can't be a path, just a filename")]
    FileNameIsPath,
    /// `appenddirname` is empty.
    #[error("appenddirname can't be empty")]
    EmptyDirectoryName,
    /// `appenddirname` holds a `/` (or a NUL).
    #[error("appenddirname can't be a path, just a dirname")]
    DirectoryNameIsPath,
}

/// The two settings and every name that follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogNames {
    file: Vec<u8>,
    directory: Vec<u8>,
}

impl LogNames {
    /// Takes `appendfilename` and `appenddirname`.
    ///
    /// # Errors
    /// A name that is empty or holds a directory.
    pub fn new(file: &str, directory: &str) -> Result<Self, NameError> {
        Self::from_bytes(file.as_bytes(), directory.as_bytes())
    }

    /// As [`LogNames::new`], for names that are not UTF-8.
    ///
    /// # Errors
    /// As [`LogNames::new`].
    pub fn from_bytes(file: &[u8], directory: &[u8]) -> Result<Self, NameError> {
        let is_path = |name: &[u8]| name.iter().any(|byte| matches!(byte, b'/' | 0));
        if file.is_empty() {
            return Err(NameError::EmptyFileName);
        }
        if is_path(file) {
            return Err(NameError::FileNameIsPath);
        }
        if directory.is_empty() {
            return Err(NameError::EmptyDirectoryName);
        }
        if is_path(directory) {
            return Err(NameError::DirectoryNameIsPath);
        }
        Ok(Self { file: file.to_vec(), directory: directory.to_vec() })
    }

    /// The directory, as a path below `dir`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        as_path(&self.directory)
    }

    /// The name that logs had before there were manifests: `appendfilename` itself.
    #[must_use]
    pub fn single_file(&self) -> &[u8] {
        &self.file
    }

    /// The directory for messages.
    #[must_use]
    pub fn directory_display(&self) -> String {
        String::from_utf8_lossy(&self.directory).into_owned()
    }

    /// `appendfilename` for messages.
    #[must_use]
    pub fn file_display(&self) -> String {
        String::from_utf8_lossy(&self.file).into_owned()
    }

    /// `A.<n>.base.rdb` or `A.<n>.base.aof`.
    #[must_use]
    pub fn base(&self, sequence: i64, form: BaseForm) -> Vec<u8> {
        let suffix = match form {
            BaseForm::Rdb => "base.rdb",
            BaseForm::Commands => "base.aof",
        };
        self.with_suffix(&format!(".{sequence}.{suffix}"))
    }

    /// `A.<n>.incr.aof`.
    #[must_use]
    pub fn increment(&self, sequence: i64) -> Vec<u8> {
        self.with_suffix(&format!(".{sequence}.incr.aof"))
    }

    /// `A.manifest`.
    #[must_use]
    pub fn manifest(&self) -> Vec<u8> {
        self.with_suffix(".manifest")
    }

    /// `temp-A.manifest`, the manifest while it is written.
    #[must_use]
    pub fn temporary_manifest(&self) -> Vec<u8> {
        [b"temp-", self.file.as_slice(), b".manifest"].concat()
    }

    /// `temp-A.manifest.again`, the temporary manifest while it is written once more.
    #[must_use]
    pub fn repeated_manifest(&self) -> Vec<u8> {
        [b"temp-", self.file.as_slice(), b".manifest.again"].concat()
    }

    /// `temp-A.incr`, the increment that collects while its base is not there yet.
    #[must_use]
    pub fn temporary_increment(&self) -> Vec<u8> {
        [b"temp-", self.file.as_slice(), b".incr"].concat()
    }

    /// Where the bytes cut from the end of `file` at `offset` are kept. The name ends with neither `.aof` nor `.rdb` and
    /// begins differently from every file of the log, so that nobody takes it for one.
    #[must_use]
    pub fn cut_tail(file: &[u8], offset: u64, time_ms: u64) -> Vec<u8> {
        let mut name = b"cut-tail-of-".to_vec();
        name.extend_from_slice(file);
        name.extend_from_slice(format!("-at-{offset}-{time_ms}.bytes").as_bytes());
        name
    }

    /// Whether a name is one that a base or increment of this log has.
    #[must_use]
    pub fn is_base_or_increment(&self, name: &[u8]) -> bool {
        let Some(rest) = name.strip_prefix(self.file.as_slice()).and_then(|rest| rest.strip_prefix(b"."))
        else {
            return false;
        };
        [b".base.rdb".as_slice(), b".base.aof", b".incr.aof"].iter().any(|suffix| {
            rest.strip_suffix(*suffix)
                .is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
        })
    }

    /// Number and kind of a file that has a base's or an increment's name.
    pub(crate) fn sequence_of(&self, name: &[u8]) -> Option<(i64, FileKind)> {
        if !self.is_base_or_increment(name) {
            return None;
        }
        let rest = name.strip_prefix(self.file.as_slice())?.strip_prefix(b".")?;
        let dot = rest.iter().position(|&byte| byte == b'.')?;
        let number = std::str::from_utf8(&rest[..dot]).ok()?.parse().ok();
        let sequence = number.filter(|number: &i64| (1..i64::MAX).contains(number))?;
        let kind = if rest.ends_with(b".incr.aof") { FileKind::Increment } else { FileKind::Base };
        Some((sequence, kind))
    }

    /// The `appendfilename` of a log whose directory holds a file of this name, if it is one of a log.
    #[must_use]
    pub fn log_of(name: &[u8]) -> Option<&[u8]> {
        if let Some(log) = name.strip_suffix(b".manifest") {
            return (!log.is_empty() && !log.starts_with(b"temp-")).then_some(log);
        }
        let suffix = [b".base.rdb".as_slice(), b".base.aof", b".incr.aof"];
        let rest = suffix.iter().find_map(|suffix| name.strip_suffix(*suffix))?;
        let dot = rest.iter().rposition(|&byte| byte == b'.')?;
        let (log, number) = (&rest[..dot], &rest[dot + 1..]);
        let is_number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
        (is_number && !log.is_empty()).then_some(log)
    }

    /// A path below `dir` for a name in the log's directory.
    #[must_use]
    pub fn path_in_directory(&self, name: &[u8]) -> PathBuf {
        self.directory().join(as_path(name))
    }

    fn with_suffix(&self, suffix: &str) -> Vec<u8> {
        [self.file.as_slice(), suffix.as_bytes()].concat()
    }
}

/// A file name of any bytes as a path.
pub(crate) fn as_path(name: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_redis() {
        let names = LogNames::new("appendonly.aof", "appendonlydir").unwrap();
        assert_eq!(names.base(1, BaseForm::Rdb), b"appendonly.aof.1.base.rdb");
        assert_eq!(names.base(2, BaseForm::Commands), b"appendonly.aof.2.base.aof");
        assert_eq!(names.increment(3), b"appendonly.aof.3.incr.aof");
        assert_eq!(names.manifest(), b"appendonly.aof.manifest");
        assert_eq!(names.temporary_manifest(), b"temp-appendonly.aof.manifest");
        assert_eq!(names.temporary_increment(), b"temp-appendonly.aof.incr");
    }

    #[test]
    fn only_numbered_names_belong_to_the_log() {
        let names = LogNames::new("a", "d").unwrap();
        assert!(names.is_base_or_increment(b"a.1.base.rdb"));
        assert!(names.is_base_or_increment(b"a.12.incr.aof"));
        for other in
            [b"a.manifest".as_slice(), b"a.x.incr.aof", b"a..incr.aof", b"b.1.incr.aof", b"temp-a.incr"]
        {
            assert!(!names.is_base_or_increment(other));
        }
        assert!(!names.is_base_or_increment(&LogNames::cut_tail(b"a.1.incr.aof", 5, 6)));
    }

    #[test]
    fn a_file_tells_the_name_of_its_log() {
        for (name, log) in [
            (b"a.aof.1.base.rdb".as_slice(), Some(b"a.aof".as_slice())),
            (b"a.12.incr.aof", Some(b"a")),
            (b"a.manifest", Some(b"a")),
            (b"temp-a.manifest", None),
            (b".1.incr.aof", None),
            (b"a.x.incr.aof", None),
            (b"dump.rdb", None),
        ] {
            assert_eq!(LogNames::log_of(name), log);
        }
    }

    #[test]
    fn settings_are_checked_with_redis_words() {
        assert_eq!(LogNames::new("", "d"), Err(NameError::EmptyFileName));
        assert_eq!(LogNames::new("a/b", "d"), Err(NameError::FileNameIsPath));
        assert_eq!(LogNames::new("a", ""), Err(NameError::EmptyDirectoryName));
        assert_eq!(LogNames::new("a", "d/e"), Err(NameError::DirectoryNameIsPath));
    }
}
