//! What goes wrong on a disk without a crash: it is full for a while, fails once, is slow, moves fewer bytes than asked.

use std::time::Duration;

use lastsave_storage::sim::{Fault, SimulatedRandom, SimulatedStorage};
use lastsave_storage::{Errno, Operation};

/// Operations that may fail.
const OPERATIONS: [Operation; 16] = [
    Operation::Create,
    Operation::Open,
    Operation::Rename,
    Operation::Unlink,
    Operation::SyncDirectory,
    Operation::SyncDirectory,
    Operation::Truncate,
    Operation::Read,
    Operation::Inspect,
    Operation::List,
    Operation::Write,
    Operation::Datasync,
    Operation::Datasync,
    Operation::Sync,
    Operation::HardLink,
    Operation::CreateDirectory,
];

/// The disk's trouble at present.
#[derive(Debug, Default)]
pub(super) struct Weather {
    /// Turns until the sky clears.
    turns_left: u64,
    /// Syncs take long.
    pub(super) syncs_are_slow: bool,
}

impl Weather {
    /// One more turn; trouble may begin or end. `mild`: no error of the device.
    pub(super) fn turn(&mut self, storage: &SimulatedStorage, random: &mut SimulatedRandom, mild: bool) {
        if self.turns_left > 0 {
            self.turns_left -= 1;
            if self.turns_left == 0 {
                self.clear(storage);
            }
            return;
        }
        if random.chance(1, 20) {
            self.turns_left = random.pick(1..25);
            self.begin(storage, random, mild);
        }
    }

    fn begin(&mut self, storage: &SimulatedStorage, random: &mut SimulatedRandom, mild: bool) {
        match random.index(8) {
            0 | 1 => {
                let errno = if random.chance(1, 4) { Errno::QUOTA_EXCEEDED } else { Errno::NO_SPACE };
                storage.limit_growth(random.pick(0..6000), errno);
            }
            2 => storage.make_short(random.pick(1..6)),
            3 => self.syncs_are_slow = true,
            4 => storage.inject(slow_sync(random)),
            _ if mild => self.syncs_are_slow = true,
            5 => storage.inject(Fault::fail(Operation::Datasync, Errno::IO).after(random.pick(0..3))),
            _ => storage.inject(failure(random)),
        }
    }

    /// Whether nothing is wrong.
    pub(super) fn is_clear(&self) -> bool {
        self.turns_left == 0
    }

    /// Everything works again.
    pub(super) fn clear(&mut self, storage: &SimulatedStorage) {
        storage.lift_space_limit();
        storage.make_short(0);
        storage.clear_faults();
        self.turns_left = 0;
        self.syncs_are_slow = false;
    }
}

fn slow_sync(random: &mut SimulatedRandom) -> Fault {
    let delay = Duration::from_millis(random.pick(1..4000));
    // Only what the log's own threads do: a snapshot's thread would keep nobody waiting.
    Fault::delay(Operation::Datasync, delay).on_path("incr").times(random.pick(1..4))
}

/// What fails while a server starts: often the sync of what an earlier process left unsynced.
pub(super) fn failure_at_start(random: &mut SimulatedRandom) -> Fault {
    if random.chance(1, 2) {
        return Fault::fail(Operation::Datasync, Errno::IO).on_path("incr").after(random.pick(0..3));
    }
    failure(random)
}

/// One operation, or a few of a kind, that fail.
fn failure(random: &mut SimulatedRandom) -> Fault {
    let operation = OPERATIONS[random.index(OPERATIONS.len())];
    let errno = if random.chance(1, 5) { Errno::NO_SPACE } else { Errno::IO };
    let fault = Fault::fail(operation, errno).after(random.pick(0..4)).times(random.pick(1..4));
    match random.index(6) {
        0 => fault.on_path("incr"),
        1 => fault.on_path("base"),
        2 => fault.on_path("manifest"),
        3 => fault.on_path("rdb"),
        _ => fault,
    }
}
