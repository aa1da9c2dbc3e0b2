//! The CLIENT commands.

mod filter;
mod kill;
mod list;
mod modes;
mod name;

pub(crate) use name::is_valid_name;
