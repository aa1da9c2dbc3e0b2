//! What the operator should read: log lines in Redis' wording, returned instead of printed.

/// How loud a notice is, in Redis' terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NoticeLevel {
    /// `LL_NOTICE`.
    Notice,
    /// `LL_WARNING`.
    Warning,
}

/// One log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How loud.
    pub level: NoticeLevel,
    /// The line, without time stamp or line end.
    pub text: String,
}

impl Notice {
    /// A line of normal operation.
    pub fn info(text: impl Into<String>) -> Self {
        Self { level: NoticeLevel::Notice, text: text.into() }
    }

    /// A line an operator should act on.
    pub fn warning(text: impl Into<String>) -> Self {
        Self { level: NoticeLevel::Warning, text: text.into() }
    }
}
