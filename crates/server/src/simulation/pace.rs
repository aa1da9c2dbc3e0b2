//! How time passes: never past the moment at which the log's thread would wake up, and syncs end when they are due.

use std::time::Duration;

use lastsave_storage::Clock as _;
use lastsave_storage::sim::{SimulatedClock, SimulatedRandom};

use super::machine::Machine;

/// Between two rounds of periodic work.
const CRON_INTERVAL: Duration = Duration::from_millis(100);

/// The same, while much time passes at once.
const LONG_CRON_INTERVAL: Duration = Duration::from_millis(1000);

/// When what is under way ends.
#[derive(Debug)]
pub(super) struct Pace {
    clock: SimulatedClock,
    next_cron: Duration,
    /// The oldest sync under way: since when, until when.
    sync: Option<(Duration, Duration)>,
    /// Since when the log could not be written.
    failing_since: Option<Duration>,
    longest_sync: Duration,
}

impl Pace {
    pub(super) fn new(clock: SimulatedClock) -> Self {
        let next_cron = clock.monotonic() + CRON_INTERVAL;
        Self { clock, next_cron, sync: None, failing_since: None, longest_sync: Duration::ZERO }
    }

    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Whether periodic work is due; the next time is set.
    pub(super) fn takes_cron(&mut self, in_a_hurry: bool) -> bool {
        let now = self.now();
        if now < self.next_cron {
            return false;
        }
        self.next_cron = now + if in_a_hurry { LONG_CRON_INTERVAL } else { CRON_INTERVAL };
        true
    }

    /// Lets the log's thread work, and ends the syncs that are due.
    pub(super) fn step_log(&mut self, machine: &mut Machine, random: &mut SimulatedRandom, slow: bool) {
        self.step(machine);
        // Each round ends one piece of work, which may begin the next.
        for _ in 0..32 {
            if machine.work_under_way() == 0 {
                break;
            }
            let began = self.now();
            let (_, ends) = *self.sync.get_or_insert_with(|| (began, began + duration_of_sync(random, slow)));
            if ends > self.now() {
                break;
            }
            machine.finish_work();
            if let Some((began, _)) = self.sync.take() {
                self.longest_sync = self.longest_sync.max(self.now().saturating_sub(began));
                self.look(machine, began);
            }
            self.step(machine);
        }
    }

    /// A step may hold syncs of its own, of a file that is being left.
    fn step(&mut self, machine: &mut Machine) {
        let began = self.now();
        machine.step_log();
        self.longest_sync = self.longest_sync.max(self.now().saturating_sub(began));
        self.look(machine, began);
    }

    /// Keeps the time for which the log has been failing: since what fails began.
    fn look(&mut self, machine: &Machine, began: Duration) {
        let now = self.now();
        if machine.observe().log_fails {
            self.failing_since.get_or_insert(began);
        } else if let Some(since) = self.failing_since.take() {
            self.longest_sync = self.longest_sync.max(now.saturating_sub(since));
        }
    }

    /// Moves the clock towards `until`, to the next moment at which something happens by itself.
    pub(super) fn advance(&self, machine: &mut Machine, until: Duration) {
        let now = self.now();
        let moments = [Some(self.next_cron), machine.next_deadline(), self.sync.map(|(_, ends)| ends)];
        let next = moments.into_iter().flatten().filter(|moment| *moment > now).min();
        let next = next.unwrap_or(until).min(until);
        self.clock.advance(next.saturating_sub(now));
    }

    /// The longest time for which an acknowledged write may be at risk under `everysec`: max(1 s, one sync) and one
    /// sync more, where a sync that fails lasts until the failure is repaired.
    pub(super) fn window(&self) -> Duration {
        let one_sync = self.one_sync();
        one_sync.max(Duration::from_secs(1)) + one_sync
    }

    /// The same for a client that has asked for `everysec` itself, under any policy: a second, what the executor may
    /// sleep, the sync that is under way when its own is due, and its own.
    pub(super) fn window_apart(&self) -> Duration {
        Duration::from_secs(1) + LONG_CRON_INTERVAL + 2 * self.one_sync()
    }

    fn one_sync(&self) -> Duration {
        let now = self.now();
        let under_way = self.sync.map_or(Duration::ZERO, |(began, _)| now.saturating_sub(began));
        let failing = self.failing_since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.longest_sync.max(under_way).max(failing)
    }
}

fn duration_of_sync(random: &mut SimulatedRandom, slow: bool) -> Duration {
    let ms = match random.index(8) {
        _ if slow => random.pick(100..8000),
        0..=4 => 0,
        5 | 6 => random.pick(1..30),
        _ => random.pick(1..400),
    };
    Duration::from_millis(ms)
}
