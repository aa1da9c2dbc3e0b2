//! What is to go wrong, and when.

use std::path::Path;
use std::time::Duration;

use crate::Errno;
use crate::error::Operation;

/// Something that goes wrong at chosen operations.
///
/// ```
/// use std::path::Path;
/// use lastsave_storage::{Errno, OpenOptions, Operation, Storage};
/// use lastsave_storage::sim::{Fault, SimulatedStorage};
///
/// let storage = SimulatedStorage::new(1);
/// // The second sync of the log fails, once; the pages it should have written are lost.
/// storage.inject(Fault::fail(Operation::Datasync, Errno::IO).on_path(".aof").after(1));
/// let file = storage.open(Path::new("a.aof"), &OpenOptions::create_new()).unwrap();
/// assert!(file.datasync().is_ok());
/// assert!(file.datasync().unwrap_err().is_io_error());
/// assert!(file.datasync().is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    moment: Moment,
    path_part: Option<String>,
    skip: u64,
    remaining: u64,
    effect: Effect,
}

#[derive(Clone, Copy, Debug)]
enum Moment {
    /// At operations of this kind.
    Kind(Operation),
    /// At the state-changing operation with this number.
    Number(u64),
    /// At every operation.
    Always,
}

/// What a fault does to the operation it hits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    Fail(Errno),
    Short(usize),
    Delay(Duration),
    Crash,
}

impl Fault {
    fn new(moment: Moment, effect: Effect) -> Self {
        Self { moment, path_part: None, skip: 0, remaining: 1, effect }
    }

    /// The operation fails without having done anything; a sync that fails has lost some or all of what it should
    /// have made durable, and the next one will not notice.
    pub fn fail(operation: Operation, errno: Errno) -> Self {
        Self::new(Moment::Kind(operation), Effect::Fail(errno))
    }

    /// The state-changing operation with this number (the first one is number 0) fails.
    pub fn fail_at(number: u64, errno: Errno) -> Self {
        Self::new(Moment::Number(number), Effect::Fail(errno))
    }

    /// A read or write moves at most `bytes`.
    pub fn short(operation: Operation, bytes: usize) -> Self {
        Self::new(Moment::Kind(operation), Effect::Short(bytes))
    }

    /// The operation takes this long on the simulated clock, and then does its work.
    pub fn delay(operation: Operation, delay: Duration) -> Self {
        Self::new(Moment::Kind(operation), Effect::Delay(delay))
    }

    /// The machine crashes in the middle of the operation.
    pub fn crash(operation: Operation) -> Self {
        Self::new(Moment::Kind(operation), Effect::Crash)
    }

    /// Every operation fails, as when a device is gone.
    pub fn fail_everything(errno: Errno) -> Self {
        Self::new(Moment::Always, Effect::Fail(errno)).always()
    }

    /// Only on paths that contain this text.
    #[must_use]
    pub fn on_path(mut self, part: impl Into<String>) -> Self {
        self.path_part = Some(part.into());
        self
    }

    /// Lets the first `count` matching operations pass.
    #[must_use]
    pub fn after(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Strikes this many times, instead of once.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.remaining = count;
        self
    }

    /// Strikes every time.
    #[must_use]
    pub fn always(self) -> Self {
        self.times(u64::MAX)
    }

    /// Whether the fault strikes at this operation; counts it if so.
    pub(super) fn strike(
        &mut self,
        operation: Operation,
        number: Option<u64>,
        path: &Path,
    ) -> Option<Effect> {
        let right_moment = match self.moment {
            Moment::Kind(kind) => kind == operation,
            Moment::Number(wanted) => number == Some(wanted),
            Moment::Always => true,
        };
        let right_path =
            self.path_part.as_ref().is_none_or(|part| path.to_string_lossy().contains(part.as_str()));
        if !right_moment || !right_path || self.is_spent() {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        if self.remaining != u64::MAX {
            self.remaining -= 1;
        }
        Some(self.effect)
    }

    pub(super) fn is_spent(&self) -> bool {
        self.remaining == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_where_and_as_often_as_told() {
        let mut fault = Fault::fail(Operation::Write, Errno::IO).on_path("incr").after(1).times(2);
        let (incr, base) = (Path::new("a.incr.aof"), Path::new("a.base.rdb"));
        let mut hits = |operation, path| fault.strike(operation, None, path).is_some();
        assert!(!hits(Operation::Write, base));
        assert!(!hits(Operation::Sync, incr));
        assert!(!hits(Operation::Write, incr), "the first one passes");
        assert!(hits(Operation::Write, incr));
        assert!(hits(Operation::Write, incr));
        assert!(!hits(Operation::Write, incr), "spent");
    }
}
