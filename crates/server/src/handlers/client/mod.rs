//! The CLIENT commands.

mod filter;
mod kill;
mod list;
mod modes;
mod name;
mod pause;
mod tracking;

pub(crate) use name::is_valid_name;
