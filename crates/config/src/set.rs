//! CONFIG SET: several directives at once, all or none.

use thiserror::Error;

use crate::choices::ProtectedAction;
use crate::directive::{Directive, find};
use crate::host::Host;
use crate::kind::Session;
use crate::table::Config;

/// What CONFIG SET needs to know about the moment and the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetContext {
    /// The dataset is being loaded.
    pub loading: bool,
    /// The client is on this host.
    pub local_client: bool,
}

/// Why CONFIG SET changed nothing. `Display` is the error reply without its `-`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SetError {
    /// There is no such directive.
    #[error("ERR Unknown option or number of arguments for CONFIG SET - '{argument}'")]
    Unknown {
        /// The name as it was written.
        argument: String,
    },
    /// A value, or the attempt as such, was refused.
    #[error("ERR CONFIG SET failed (possibly related to argument '{argument}') - {reason}")]
    Refused {
        /// The directive.
        argument: String,
        /// Why, in Redis' words.
        reason: String,
    },
    /// Not while loading.
    #[error("LOADING Redis is loading the dataset in memory")]
    Loading,
}

impl SetError {
    /// The error for a change whose application failed; roll the change back as well.
    pub fn apply_failed(directive: &Directive, reason: impl Into<String>) -> Self {
        Self::Refused { argument: directive.name().into(), reason: reason.into() }
    }
}

/// A change that was made to a [`Config`] and may still be rolled back.
#[derive(Debug, Clone)]
#[must_use = "the server has to apply what changed"]
pub struct Change {
    previous: Box<Config>,
    requested: Vec<&'static Directive>,
    changed: Vec<&'static Directive>,
    warnings: Vec<String>,
}

impl Change {
    /// The directives whose effects have to be applied: their values are new, or they name files that may be.
    pub fn changed(&self) -> &[&'static Directive] {
        &self.changed
    }

    /// Whether the directive with this (primary) name is among them.
    pub fn includes(&self, name: &str) -> bool {
        self.changed.iter().any(|directive| directive.name() == name)
    }

    /// All values as they were before.
    pub fn previous(&self) -> &Config {
        &self.previous
    }

    /// Lines for the log, at level warning.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Takes the change back, when applying it failed.
    pub fn roll_back(self, config: &mut Config, host: &dyn Host) {
        restore(&self.requested, &self.previous, config, host);
    }
}

fn restore(directives: &[&'static Directive], previous: &Config, config: &mut Config, host: &dyn Host) {
    if config.dir != previous.dir && directives.iter().any(|directive| directive.name() == "dir") {
        // It was the working directory a moment ago; if it is gone by now there is nothing better to go back to.
        let _ = host.enter_directory(previous.dir.as_path());
    }
    for directive in directives {
        directive.slot.copy(previous, config);
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Config {
    /// Sets several directives, all or none. The server then applies what changed.
    ///
    /// ```
    /// # use lastsave_config::{parse_text, NoHost, SetContext};
    /// let (mut config, _) = parse_text(b"").unwrap();
    /// let change = config.set(&[(b"hz", b"20")], SetContext::default(), &NoHost).unwrap();
    /// assert_eq!((config.hz, change.includes("hz")), (20, true));
    /// ```
    pub fn set(
        &mut self,
        pairs: &[(&[u8], &[u8])],
        context: SetContext,
        host: &dyn Host,
    ) -> Result<Change, SetError> {
        let found = self.check_names(pairs, context)?;
        let mut session = Session::new(host, false);
        let mut change = Change {
            previous: Box::new(self.clone()),
            requested: Vec::with_capacity(found.len()),
            changed: Vec::new(),
            warnings: Vec::new(),
        };
        for ((directive, called), (_, value)) in found.into_iter().zip(pairs) {
            change.requested.push(directive);
            match directive.slot.assign(self, &arguments_of(directive, value), &mut session) {
                Ok(changed) => {
                    if (changed || directive.traits.volatile) && !change.changed.contains(&directive) {
                        change.changed.push(directive);
                    }
                }
                Err(reason) => {
                    change.roll_back(self, host);
                    return Err(SetError::Refused { argument: called.into(), reason: reason.into_owned() });
                }
            }
        }
        change.warnings = session.warnings;
        Ok(change)
    }

    /// Finds the directives, or the error that Redis would report for them: loading first, then the first
    /// unknown or forbidden one.
    fn check_names(
        &self,
        pairs: &[(&[u8], &[u8])],
        context: SetContext,
    ) -> Result<Vec<(&'static Directive, &'static str)>, SetError> {
        let mut found: Vec<(&'static Directive, &'static str)> = Vec::with_capacity(pairs.len());
        for (name, _) in pairs {
            let Some((directive, by_alias)) = find(name) else {
                return Err(SetError::Unknown { argument: lossy(name) });
            };
            let refused = |reason: &str| SetError::Refused { argument: lossy(name), reason: reason.into() };
            if directive.is_immutable() {
                return Err(refused("can't set immutable config"));
            }
            let allowed = match self.enable_protected_configs {
                ProtectedAction::Yes => true,
                ProtectedAction::Local => context.local_client,
                ProtectedAction::No => false,
            };
            if directive.is_protected() && !allowed {
                return Err(refused("can't set protected config"));
            }
            if context.loading && directive.is_denied_while_loading() {
                return Err(SetError::Loading);
            }
            let called =
                if by_alias { directive.alias().unwrap_or(directive.name()) } else { directive.name() };
            if found.iter().any(|(_, known)| *known == called) {
                return Err(refused("duplicate parameter"));
            }
            found.push((directive, called));
        }
        Ok(found)
    }
}

/// CONFIG SET splits the value of a directive that takes many at every blank, without any quoting.
fn arguments_of(directive: &Directive, value: &[u8]) -> Vec<Vec<u8>> {
    if !directive.slot.takes_many() {
        vec![value.to_vec()]
    } else if value.is_empty() {
        Vec::new()
    } else {
        value.split(|&byte| byte == b' ').map(<[u8]>::to_vec).collect()
    }
}
