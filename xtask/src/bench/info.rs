//! A server's INFO.

use std::collections::HashMap;

use anyhow::{Context, Result};

use super::client::Client;

/// The fields of all sections.
pub(super) struct Info {
    fields: HashMap<String, String>,
}

impl Info {
    pub(super) fn of(client: &mut Client) -> Result<Self> {
        Ok(Self::parse(&client.text(&["INFO"])?))
    }

    /// The fields of one section, which costs the server less.
    pub(super) fn section(client: &mut Client, name: &str) -> Result<Self> {
        Ok(Self::parse(&client.text(&["INFO", name])?))
    }

    fn parse(text: &str) -> Self {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        Self { fields: fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect() }
    }

    pub(super) fn text(&self, name: &str) -> Result<&str> {
        self.fields.get(name).map(String::as_str).with_context(|| format!("INFO has no {name}"))
    }

    pub(super) fn number(&self, name: &str) -> Result<f64> {
        let text = self.text(name)?;
        text.parse().with_context(|| format!("{name} is no number: {text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Info;

    #[test]
    fn fields_are_found() {
        let info = Info::parse("# Stats\r\nlatest_fork_usec:12\r\nrole:master\r\n");
        assert!((info.number("latest_fork_usec").unwrap() - 12.0).abs() < f64::EPSILON);
        assert_eq!(info.text("role").unwrap(), "master");
        assert!(info.number("role").is_err());
    }
}
