//! Commands by the names clients use: the table's own, unless `rename-command` says otherwise.

use std::collections::HashMap;

use lastsave_commands::{CommandSpec, lookup};

/// Finds commands by name.
#[derive(Debug, Default)]
pub(crate) struct CommandNames {
    /// Names (in lower case) that differ from the table: `None` = no such command.
    changed: HashMap<Vec<u8>, Option<&'static CommandSpec>>,
}

impl CommandNames {
    /// The table with the given renamings (old name, new name; an empty new name removes the command).
    ///
    /// # Errors
    /// The text for the log when a renaming names no command or takes a name that is in use.
    pub(crate) fn with_renamed(renamed: &[(String, String)]) -> Result<Self, String> {
        let mut names = Self::default();
        for (old, new) in renamed {
            let old = old.to_ascii_lowercase();
            let new = new.to_ascii_lowercase();
            let spec = names.lookup(old.as_bytes()).ok_or("No such command in rename-command")?;
            if !new.is_empty() && names.lookup(new.as_bytes()).is_some() {
                return Err("Target command name already exists".to_owned());
            }
            names.changed.insert(old.into_bytes(), None);
            if !new.is_empty() {
                names.changed.insert(new.into_bytes(), Some(spec));
            }
        }
        Ok(names)
    }

    /// The command a client means, in any case.
    #[inline]
    pub(crate) fn lookup(&self, name: &[u8]) -> Option<&'static CommandSpec> {
        if self.changed.is_empty() {
            return lookup(name);
        }
        match self.changed.get(&name.to_ascii_lowercase()) {
            Some(changed) => *changed,
            None => lookup(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CommandNames;

    fn renamed(pairs: &[(&str, &str)]) -> Result<CommandNames, String> {
        let pairs: Vec<_> = pairs.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect();
        CommandNames::with_renamed(&pairs)
    }

    #[test]
    fn a_renamed_command_has_only_its_new_name() {
        let names = renamed(&[("CONFIG", "secret")]).unwrap();
        assert!(names.lookup(b"config").is_none());
        assert!(names.lookup(b"SECRET").is_some());
        assert!(names.lookup(b"get").is_some());
    }

    #[test]
    fn an_empty_name_removes_the_command() {
        let names = renamed(&[("flushall", "")]).unwrap();
        assert!(names.lookup(b"FLUSHALL").is_none());
    }

    #[test]
    fn names_in_use_and_unknown_commands_are_refused() {
        assert!(renamed(&[("get", "set")]).is_err());
        assert!(renamed(&[("nosuch", "x")]).is_err());
    }
}
