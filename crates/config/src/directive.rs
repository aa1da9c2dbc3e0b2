//! `Directive`: one row of the table, without its type. Everything generic (GET, SET, REWRITE, the manual)
//! works on rows.

use std::fmt;

use crate::kind::{Kind, Reason, RewriteLine, Session};
use crate::table::{Config, DIRECTIVES};

/// When and by whom a directive may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Traits {
    pub(crate) immutable: bool,
    pub(crate) protected: bool,
    pub(crate) denied_while_loading: bool,
    pub(crate) hidden: bool,
    pub(crate) sensitive: bool,
    pub(crate) volatile: bool,
    pub(crate) ours: bool,
}

impl Traits {
    /// May be changed with CONFIG SET.
    pub(crate) const RUNTIME: Self = Self {
        immutable: false,
        protected: false,
        denied_while_loading: false,
        hidden: false,
        sensitive: false,
        volatile: false,
        ours: false,
    };

    /// Only in the file or on the command line.
    pub(crate) const IMMUTABLE: Self = Self { immutable: true, ..Self::RUNTIME };

    pub(crate) const fn protected(self) -> Self {
        Self { protected: true, ..self }
    }

    pub(crate) const fn denied_while_loading(self) -> Self {
        Self { denied_while_loading: true, ..self }
    }

    pub(crate) const fn hidden(self) -> Self {
        Self { hidden: true, ..self }
    }

    pub(crate) const fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }

    pub(crate) const fn volatile(self) -> Self {
        Self { volatile: true, ..self }
    }

    pub(crate) const fn ours(self) -> Self {
        Self { ours: true, ..self }
    }
}

/// What setting a directive does in this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// What Redis does, or better.
    Works,
    /// Kept, shown and rewritten; it belongs to a part of Redis that this server does not serve yet.
    NotYet,
    /// Kept, shown and rewritten; it tunes something that this server's design does not have.
    Moot,
}

impl Effect {
    /// One or two words for the manual.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::NotYet => "not yet",
            Self::Moot => "moot",
        }
    }
}

/// One configuration directive: its names, its rules and the way to its value.
pub struct Directive {
    pub(crate) name: &'static str,
    /// At most one.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) section: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) traits: Traits,
    pub(crate) effect: Effect,
    pub(crate) slot: &'static dyn Slot,
}

impl Directive {
    /// Finds a directive by name or alias, in any case.
    pub fn find(name: &[u8]) -> Option<&'static Self> {
        find(name).map(|(directive, _)| directive)
    }

    /// Every directive, in the order of the manual.
    pub fn all() -> &'static [Self] {
        DIRECTIVES
    }

    /// The primary name, in lower case.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The other name, kept for old configurations.
    pub fn alias(&self) -> Option<&'static str> {
        self.aliases.first().copied()
    }

    /// The chapter of the manual.
    pub fn section(&self) -> &'static str {
        self.section
    }

    /// One or two sentences for the manual.
    pub fn summary(&self) -> &'static str {
        self.summary.trim()
    }

    /// What setting it does here.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// CONFIG SET refuses it.
    pub fn is_immutable(&self) -> bool {
        self.traits.immutable
    }

    /// CONFIG SET refuses it unless `enable-protected-configs` allows it.
    pub fn is_protected(&self) -> bool {
        self.traits.protected
    }

    /// CONFIG SET refuses it while the dataset is being loaded.
    pub fn is_denied_while_loading(&self) -> bool {
        self.traits.denied_while_loading
    }

    /// CONFIG GET shows it only when asked for by its full name.
    pub fn is_hidden(&self) -> bool {
        self.traits.hidden
    }

    /// Its value is a secret: keep it out of MONITOR, the slow log and the log.
    pub fn is_sensitive(&self) -> bool {
        self.traits.sensitive
    }

    /// Redis does not have it.
    pub fn is_ours(&self) -> bool {
        self.traits.ours
    }

    /// The value as CONFIG GET shows it.
    pub fn value(&self, config: &Config) -> Vec<u8> {
        self.slot.show(config)
    }

    /// The default as CONFIG GET shows it.
    pub fn default_value(&self) -> Vec<u8> {
        self.slot.show_default()
    }

    /// The kind of value: `bool`, `integer`, `memory`, `octal`, `enum`, `string`, `memory or percent`,
    /// `special`.
    pub fn kind(&self) -> &'static str {
        self.slot.kind_name()
    }

    /// The accepted values in words.
    pub fn accepted(&self) -> String {
        self.slot.accepted()
    }
}

impl fmt::Debug for Directive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Directive").field(&self.name).finish()
    }
}

impl PartialEq for Directive {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Directive {}

/// Finds a directive and tells whether it was called by its alias.
pub(crate) fn find(name: &[u8]) -> Option<(&'static Directive, bool)> {
    DIRECTIVES.iter().find_map(|directive| {
        if directive.name.as_bytes().eq_ignore_ascii_case(name) {
            Some((directive, false))
        } else {
            directive
                .alias()
                .filter(|alias| alias.as_bytes().eq_ignore_ascii_case(name))
                .map(|_| (directive, true))
        }
    })
}

/// The way from a row to its field of `Config`, with the field's type forgotten.
pub(crate) trait Slot: Sync {
    fn show(&self, config: &Config) -> Vec<u8>;
    fn show_default(&self) -> Vec<u8>;
    /// Parses and stores; tells whether the value is now another one.
    fn assign(
        &self,
        config: &mut Config,
        arguments: &[Vec<u8>],
        session: &mut Session<'_>,
    ) -> Result<bool, Reason>;
    fn copy(&self, from: &Config, to: &mut Config);
    fn rewrite(&self, name: &str, config: &Config) -> Vec<RewriteLine>;
    fn takes_many(&self) -> bool;
    fn kind_name(&self) -> &'static str;
    fn accepted(&self) -> String;
}

/// A kind tied to one field.
pub(crate) struct Field<K: Kind> {
    pub(crate) kind: K,
    pub(crate) get: fn(&Config) -> &K::Value,
    pub(crate) get_mut: fn(&mut Config) -> &mut K::Value,
}

impl<K: Kind> Slot for Field<K> {
    fn show(&self, config: &Config) -> Vec<u8> {
        self.kind.show((self.get)(config))
    }

    fn show_default(&self) -> Vec<u8> {
        self.kind.show(&self.kind.default())
    }

    fn assign(
        &self,
        config: &mut Config,
        arguments: &[Vec<u8>],
        session: &mut Session<'_>,
    ) -> Result<bool, Reason> {
        let field = (self.get_mut)(config);
        let value = self.kind.parse(arguments, field, session)?;
        let changed = *field != value;
        *field = value;
        Ok(changed)
    }

    fn copy(&self, from: &Config, to: &mut Config) {
        (self.get_mut)(to).clone_from((self.get)(from));
    }

    fn rewrite(&self, name: &str, config: &Config) -> Vec<RewriteLine> {
        self.kind.rewrite(name, (self.get)(config))
    }

    fn takes_many(&self) -> bool {
        self.kind.takes_many()
    }

    fn kind_name(&self) -> &'static str {
        self.kind.kind_name()
    }

    fn accepted(&self) -> String {
        self.kind.accepted()
    }
}
