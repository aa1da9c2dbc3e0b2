//! The words in which persistence and the rest of the server talk to each other.

/// The answer to a command that persistence executes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A status reply, such as `Background saving started`.
    Status(String),
    /// An error reply, code included, without its `-`.
    Error(String),
    /// An array of bulk strings.
    Bulks(Vec<String>),
    /// The client waits; [`Notice::JobDone`] with this ticket brings the answer.
    Later(u64),
}

impl Answer {
    pub(crate) fn status(text: &str) -> Self {
        Answer::Status(text.to_owned())
    }

    pub(crate) fn error(text: &str) -> Self {
        Answer::Error(text.to_owned())
    }
}

/// Something the server has to act upon.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Notice {
    /// The answer for the client that waits for `ticket`. Never [`Answer::Later`].
    JobDone {
        /// The ticket that [`Answer::Later`] gave.
        ticket: u64,
        /// What to reply.
        answer: Answer,
    },
    /// The shutdown under way is complete: the process ends.
    ShutdownDone {
        /// Exit code of the process.
        exit_code: i32,
    },
    /// The shutdown under way was given up; the log says why. Its client is told.
    ShutdownRefused,
    /// The log was switched off: clients blocked in WAITAOF for the local copy are told an error.
    LogDisabled,
    /// The process cannot go on (already logged) and ends with this code.
    Fatal {
        /// Exit code of the process.
        exit_code: i32,
    },
}

/// How far loading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoadProgress {
    /// Call again.
    InProgress,
    /// The data is there; the log is open and everything else may run.
    Done,
    /// The data cannot be loaded (already logged); the process ends with this code.
    Failed {
        /// Exit code of the process.
        exit_code: i32,
    },
}

/// What SHUTDOWN or a signal asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the four options of SHUTDOWN")]
pub(crate) struct ShutdownOptions {
    /// Save even without save points.
    pub(crate) save: bool,
    /// Do not save even with save points.
    pub(crate) nosave: bool,
    /// Do not wait for replicas.
    pub(crate) now: bool,
    /// Go on after errors.
    pub(crate) force: bool,
}

/// What came of a shutdown request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShutdownProgress {
    /// Everything is written; the process ends with this code.
    Done {
        /// Exit code of the process.
        exit_code: i32,
    },
    /// Under way; [`Notice::ShutdownDone`] or [`Notice::ShutdownRefused`] follows.
    Pending,
    /// Given up; the log says why.
    Refused,
}

/// Options of DEBUG RELOAD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReloadOptions {
    /// Save first.
    pub(crate) save: bool,
    /// Empty the data first.
    pub(crate) flush: bool,
    /// Keys that exist already are no error.
    pub(crate) merge: bool,
}
