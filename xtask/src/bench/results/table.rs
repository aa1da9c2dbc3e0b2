//! Aligned tables.

use std::fmt;

/// A table in the form of Markdown, aligned for terminals too.
pub(in crate::bench) struct Table {
    /// The headings are the first row.
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(in crate::bench) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    pub(in crate::bench) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(in crate::bench) fn headings(&self) -> &[String] {
        &self.rows[0]
    }

    /// The rows without the headings.
    pub(in crate::bench) fn rows(&self) -> &[Vec<String>] {
        &self.rows[1..]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let lengths = self.rows.iter().filter_map(|row| row.get(column).map(|cell| cell.chars().count()));
            lengths.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(formatter, "| {cell:>width$} ")?;
            }
            writeln!(formatter, "|")?;
            if index == 0 {
                for width in &widths {
                    write!(formatter, "|-{:-<width$}:", "")?;
                }
                writeln!(formatter, "|")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_line_up() {
        let mut table = Table::new(&["keys", "ours"]);
        table.row(vec!["1000000".into(), "7".into()]);
        assert_eq!(table.to_string(), "|    keys | ours |\n|--------:|-----:|\n| 1000000 |    7 |\n");
    }
}
