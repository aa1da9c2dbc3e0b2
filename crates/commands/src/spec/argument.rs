//! Arguments of a command as COMMAND DOCS describes them.

/// What kind of argument it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// Any bytes.
    String,
    /// A 64-bit integer.
    Integer,
    /// A floating-point number.
    Double,
    /// The name of a key.
    Key,
    /// A glob-style pattern.
    Pattern,
    /// A point in unix time.
    UnixTime,
    /// A word that stands for itself.
    PureToken,
    /// One of the nested arguments.
    OneOf,
    /// All of the nested arguments, in order.
    Block,
}

impl ArgumentKind {
    /// The name COMMAND DOCS replies.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Key => "key",
            Self::Pattern => "pattern",
            Self::UnixTime => "unix-time",
            Self::PureToken => "pure-token",
            Self::OneOf => "oneof",
            Self::Block => "block",
        }
    }
}

/// One argument, or a group of them.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// Its kind.
    pub kind: ArgumentKind,
    /// What to show instead of the name.
    pub display: Option<&'static str>,
    /// Index of the key specification that finds it.
    pub key_spec_index: Option<u8>,
    /// The word before it (or, for a pure token, the word itself).
    pub token: Option<&'static str>,
    /// A short description.
    pub summary: Option<&'static str>,
    /// The version that introduced it.
    pub since: Option<&'static str>,
    /// The version that deprecated it.
    pub deprecated_since: Option<&'static str>,
    /// May be left out.
    pub optional: bool,
    /// May be repeated.
    pub multiple: bool,
    /// When repeated, its token is repeated as well.
    pub multiple_token: bool,
    /// The arguments nested in it.
    pub arguments: &'static [Argument],
}

impl Argument {
    const fn new(name: &'static str, kind: ArgumentKind) -> Self {
        Self {
            name,
            kind,
            display: None,
            key_spec_index: None,
            token: None,
            summary: None,
            since: None,
            deprecated_since: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            arguments: &[],
        }
    }

    /// Any bytes.
    #[must_use]
    pub const fn string(name: &'static str) -> Self {
        Self::new(name, ArgumentKind::String)
    }

    /// A 64-bit integer.
    #[must_use]
    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, ArgumentKind::Integer)
    }

    /// A floating-point number.
    #[must_use]
    pub const fn double(name: &'static str) -> Self {
        Self::new(name, ArgumentKind::Double)
    }

    /// A key found by the key specification with this index.
    #[must_use]
    pub const fn key(name: &'static str, key_spec_index: u8) -> Self {
        let mut argument = Self::new(name, ArgumentKind::Key);
        argument.key_spec_index = Some(key_spec_index);
        argument
    }

    /// A glob-style pattern.
    #[must_use]
    pub const fn pattern(name: &'static str) -> Self {
        Self::new(name, ArgumentKind::Pattern)
    }

    /// A point in unix time.
    #[must_use]
    pub const fn unix_time(name: &'static str) -> Self {
        Self::new(name, ArgumentKind::UnixTime)
    }

    /// A word that stands for itself.
    #[must_use]
    pub const fn pure_token(name: &'static str, token: &'static str) -> Self {
        Self::new(name, ArgumentKind::PureToken).token(token)
    }

    /// One of `arguments`.
    #[must_use]
    pub const fn one_of(name: &'static str, arguments: &'static [Argument]) -> Self {
        let mut argument = Self::new(name, ArgumentKind::OneOf);
        argument.arguments = arguments;
        argument
    }

    /// All of `arguments`, in order.
    #[must_use]
    pub const fn block(name: &'static str, arguments: &'static [Argument]) -> Self {
        let mut argument = Self::new(name, ArgumentKind::Block);
        argument.arguments = arguments;
        argument
    }

    /// Preceded by this word.
    #[must_use]
    pub const fn token(mut self, token: &'static str) -> Self {
        self.token = Some(token);
        self
    }

    /// Shown as this instead of its name.
    #[must_use]
    pub const fn display(mut self, display: &'static str) -> Self {
        self.display = Some(display);
        self
    }

    /// Has to do with keys found by the key specification with this index, though it names none.
    #[must_use]
    pub const fn key_spec(mut self, key_spec_index: u8) -> Self {
        self.key_spec_index = Some(key_spec_index);
        self
    }

    /// Described as this.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = Some(summary);
        self
    }

    /// Introduced by this version.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = Some(version);
        self
    }

    /// Deprecated by this version.
    #[must_use]
    pub const fn deprecated_since(mut self, version: &'static str) -> Self {
        self.deprecated_since = Some(version);
        self
    }

    /// May be left out.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// May be repeated.
    #[must_use]
    pub const fn multiple(mut self) -> Self {
        self.multiple = true;
        self
    }

    /// May be repeated together with its token.
    #[must_use]
    pub const fn multiple_token(mut self) -> Self {
        self.multiple_token = true;
        self
    }
}
