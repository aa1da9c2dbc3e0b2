//! What scenarios measured, in one form: shown as tables, written as JSON, compared with what was measured before, and
//! drawn.

mod compare;
mod document;
mod measurements;
mod statistics;
mod table;

pub(super) use compare::compare;
pub(super) use document::{Document, Outcome};
pub(super) use measurements::{Better, Measurements, Metric};
pub(super) use statistics::median;
pub(super) use table::Table;
