//! All results of a run: for the terminal, for programs, and for the page.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::measurements::Measurements;
use crate::bench::page::Chart;
use crate::shell::heading;

/// Changes when programs that read the JSON would misunderstand it.
const FORMAT: u32 = 1;

/// What one scenario measured.
pub(in crate::bench) struct Outcome {
    pub(in crate::bench) title: String,
    /// What was done, and how to read it. Paragraphs.
    pub(in crate::bench) notes: Vec<String>,
    pub(in crate::bench) tables: Vec<Measurements>,
    pub(in crate::bench) charts: Vec<Chart>,
}

/// All results of a run.
pub(in crate::bench) struct Document {
    /// The command that made it.
    pub(in crate::bench) command: String,
    /// Names and values about the machine and the programs.
    pub(in crate::bench) about: Vec<(String, String)>,
    pub(in crate::bench) outcomes: Vec<Outcome>,
}

impl Outcome {
    /// Prints what a terminal can show.
    pub(in crate::bench) fn print(&self) {
        heading(&self.title);
        for note in &self.notes {
            println!("{note}");
        }
        for table in &self.tables {
            println!("\n{}\n{}", table.name, table.table());
        }
    }
}

impl Document {
    pub(in crate::bench) fn tables(&self) -> Vec<&Measurements> {
        self.outcomes.iter().flat_map(|outcome| &outcome.tables).collect()
    }

    pub(in crate::bench) fn to_json(&self) -> Value {
        let about: Value = self.about.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "format": FORMAT,
            "command": self.command,
            "about": about,
            "charts": self.outcomes.iter().flat_map(|outcome| &outcome.charts).filter_map(Chart::to_json).collect::<Value>(),
            "tables": self.tables().into_iter().map(Measurements::to_json).collect::<Vec<_>>(),
        })
    }

    /// What [`to_json`](Self::to_json) has written.
    ///
    /// # Errors
    /// When it cannot be read, is not JSON, or is of another format.
    pub(in crate::bench) fn read_json(path: &Path) -> Result<Value> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let json: Value =
            serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
        anyhow::ensure!(
            json["format"] == FORMAT,
            "{} is no result of this program, or of another version of it",
            path.display()
        );
        Ok(json)
    }
}
