//! The operating system's error numbers that the persistence stack tells apart, and their texts.

use std::fmt;
use std::io;

use rustix::io::Errno as SystemErrno;

/// An error number of the operating system.
///
/// Printed as libc's `strerror` prints it, because Redis' log lines and error replies end in that text.
///
/// ```
/// use lastsave_storage::Errno;
/// assert_eq!(Errno::NO_SPACE.to_string(), "No space left on device");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(i32);

impl Errno {
    /// `EIO`: the device failed. After it on a sync nothing unsynced in that file may be trusted.
    pub const IO: Self = Self(SystemErrno::IO.raw_os_error());
    /// `ENOSPC`: the file system is full.
    pub const NO_SPACE: Self = Self(SystemErrno::NOSPC.raw_os_error());
    /// `EDQUOT`: the quota of the user or project is used up.
    pub const QUOTA_EXCEEDED: Self = Self(SystemErrno::DQUOT.raw_os_error());
    /// `EFBIG`: the file would pass a size limit.
    pub const FILE_TOO_BIG: Self = Self(SystemErrno::FBIG.raw_os_error());
    /// `ENOENT`: no such file or directory.
    pub const NOT_FOUND: Self = Self(SystemErrno::NOENT.raw_os_error());
    /// `EEXIST`: the name is taken.
    pub const EXISTS: Self = Self(SystemErrno::EXIST.raw_os_error());
    /// `EISDIR`: a file was wanted and a directory found.
    pub const IS_DIRECTORY: Self = Self(SystemErrno::ISDIR.raw_os_error());
    /// `ENOTDIR`: a directory was wanted and something else found.
    pub const NOT_DIRECTORY: Self = Self(SystemErrno::NOTDIR.raw_os_error());
    /// `ENOTEMPTY`: the directory still has entries.
    pub const NOT_EMPTY: Self = Self(SystemErrno::NOTEMPTY.raw_os_error());
    /// `EACCES`: the permissions forbid it.
    pub const ACCESS: Self = Self(SystemErrno::ACCESS.raw_os_error());
    /// `EPERM`: never allowed, whatever the permissions.
    pub const NOT_PERMITTED: Self = Self(SystemErrno::PERM.raw_os_error());
    /// `EROFS`: the file system is mounted read-only.
    pub const READ_ONLY_FILE_SYSTEM: Self = Self(SystemErrno::ROFS.raw_os_error());
    /// `EBADF`: the handle was not opened for this.
    pub const BAD_HANDLE: Self = Self(SystemErrno::BADF.raw_os_error());
    /// `EINVAL`: arguments that make no sense together.
    pub const INVALID: Self = Self(SystemErrno::INVAL.raw_os_error());
    /// `ENAMETOOLONG`: a path component has more than 255 bytes.
    pub const NAME_TOO_LONG: Self = Self(SystemErrno::NAMETOOLONG.raw_os_error());
    /// `EWOULDBLOCK`: somebody else holds the lock.
    pub const WOULD_BLOCK: Self = Self(SystemErrno::WOULDBLOCK.raw_os_error());
    /// `EOPNOTSUPP`: the file system cannot do this.
    pub const NOT_SUPPORTED: Self = Self(SystemErrno::OPNOTSUPP.raw_os_error());

    /// Wraps a number as the operating system returns it.
    pub const fn from_raw(raw: i32) -> Self {
        Self(raw)
    }

    /// The number as the operating system returns it.
    pub const fn raw(self) -> i32 {
        self.0
    }

    /// The matching kind of the standard library.
    pub fn kind(self) -> io::ErrorKind {
        io::Error::from_raw_os_error(self.0).kind()
    }
}

impl From<SystemErrno> for Errno {
    fn from(errno: SystemErrno) -> Self {
        Self(errno.raw_os_error())
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The standard library asks strerror_r and then adds the number in parentheses; Redis prints no number.
        let text = io::Error::from_raw_os_error(self.0).to_string();
        let suffix = format!(" (os error {})", self.0);
        out.write_str(text.strip_suffix(&suffix).unwrap_or(&text))
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Errno({}: {self})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_strerror() {
        for (errno, text) in [
            (Errno::IO, "Input/output error"),
            (Errno::NO_SPACE, "No space left on device"),
            (Errno::QUOTA_EXCEEDED, "Disk quota exceeded"),
            (Errno::NOT_FOUND, "No such file or directory"),
            (Errno::EXISTS, "File exists"),
            (Errno::IS_DIRECTORY, "Is a directory"),
            (Errno::NOT_DIRECTORY, "Not a directory"),
            (Errno::ACCESS, "Permission denied"),
            (Errno::READ_ONLY_FILE_SYSTEM, "Read-only file system"),
            (Errno::BAD_HANDLE, "Bad file descriptor"),
            (Errno::INVALID, "Invalid argument"),
        ] {
            assert_eq!(errno.to_string(), text);
        }
    }
}
