//! Reading one file of a log: finding records, verifying blocks, judging damage.

mod scanner;
mod survey;
mod window;

pub(crate) use scanner::{CleanEnd, Damage, FileEnd, FileScanner, Found, TimeMark};
pub(crate) use survey::survey;
pub(crate) use window::Window;
