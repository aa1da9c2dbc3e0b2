//! Commands that wait for something to take.

use lastsave_storage::sim::SimulatedRandom;

use super::{Command, LISTS, SORTED_SETS, name, pick, streams, words};

pub(super) fn wait(random: &mut SimulatedRandom) -> Command {
    let (list, other) = (pick(random, &LISTS), pick(random, &LISTS));
    let (sorted, second) = (pick(random, &SORTED_SETS), pick(random, &SORTED_SETS));
    let (first, target) = (name(list), name(other));
    match random.index(10) {
        0 | 1 => Command::new(&[list, other], words(&[b"BLPOP", first, target, b"0"])),
        2 => Command::new(&[list], words(&[b"BRPOP", first, b"0"])),
        3 | 4 => Command::new(&[list, other], words(&[b"BLMOVE", first, target, b"LEFT", b"RIGHT", b"0"])),
        5 => Command::new(&[list], words(&[b"BLMPOP", b"0", b"1", first, b"LEFT", b"COUNT", b"2"])),
        6 => Command::new(&[sorted, second], words(&[b"BZPOPMIN", name(sorted), name(second), b"0"])),
        7 => Command::new(&[sorted], words(&[b"BZMPOP", b"0", b"1", name(sorted), b"MAX"])),
        _ => streams::wait(random),
    }
}
