//! The past of a log: what was written when, and going back to a point of it.

mod filter;
mod goal;
pub(crate) mod log;
mod point;
mod printer;
pub(crate) mod restore;
mod sets;
mod target;
mod walk;

use clap::Parser;

use self::point::Place;
use self::sets::FileSet;
use crate::called::Call;

/// Reads a command line; the exit code where there is nothing to do.
fn parse<A: Parser>(call: &Call) -> Result<A, i32> {
    let words = std::iter::once(call.program.clone().into()).chain(call.arguments.iter().cloned());
    A::try_parse_from(words).map_err(|error| {
        // Nobody can be told that nobody listens.
        let _ = error.print();
        i32::from(error.use_stderr())
    })
}

/// A place among the files of several sets, in the order in which they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) set: usize,
    pub(crate) file: usize,
    pub(crate) offset: u64,
}

impl Position {
    /// Finds the increment that a place names.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub(crate) fn of(sets: &[FileSet], place: &Place) -> Result<Self, String> {
        let mut found = Vec::new();
        for (set_index, set) in sets.iter().enumerate() {
            if place.set.is_some() && place.set != set.kept_as {
                continue;
            }
            let files = set.files.iter().enumerate();
            let named =
                files.filter(|(_, file)| file.is_increment() && file.entry.sequence == place.sequence);
            found.extend(named.map(|(file, _)| Self { set: set_index, file, offset: place.offset }));
        }
        match found.as_slice() {
            [position] => Ok(*position),
            [] => Err(format!("There is no increment with number {}.", place.sequence)),
            several => {
                let names: Vec<String> = several.iter().map(|position| sets[position.set].title()).collect();
                Err(format!(
                    "Increments with number {} are in several file sets ({}): say which, as in <set>/{}:{}.",
                    place.sequence,
                    names.join(", "),
                    place.sequence,
                    place.offset
                ))
            }
        }
    }

    /// Whether a number alone does not tell an increment.
    pub(crate) fn numbers_repeat(sets: &[FileSet]) -> bool {
        let mut numbers: Vec<i64> =
            sets.iter().flat_map(FileSet::increments).map(|file| file.entry.sequence).collect();
        let total = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        numbers.len() < total
    }
}
