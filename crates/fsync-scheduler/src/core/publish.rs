//! Publishing: which positions everybody may rely on, and which replies may leave.

use std::time::Duration;

use super::{Core, Health};
use crate::atomics::Ordering;
use crate::{Event, Log, Overload, Policy, Position, Switch};

impl<L: Log> Core<L> {
    /// Publishes what holds now, and wakes whoever declared to wait for it.
    ///
    /// # Panics
    ///
    /// When a position would go back, or `appended >= written >= durable` would not hold: then nothing this server has
    /// promised can be relied on, and releasing one more reply would make it worse.
    pub(super) fn publish(&mut self, now: Duration) {
        let enabling = self.provisional.is_some_and(|provisional| provisional.kind == Switch::Enable);
        let passing = self.health == Health::Off || enabling;
        let (written, durable) = self.reliable_positions();
        assert!(self.accepted >= written, "written {written} is beyond appended {}", self.accepted);
        assert!(written >= durable, "durable {durable} is beyond written {written}");

        self.update_hold(now);
        let before = self.released();
        let allowed = if passing {
            self.accepted
        } else {
            match self.policy {
                Policy::Always => durable,
                Policy::EverySecond if self.holding => before,
                Policy::EverySecond | Policy::No => written,
            }
        };
        let released = allowed.max(before);
        assert!(
            passing || released <= before.max(written),
            "released {released} is beyond written {written}"
        );

        self.published.retained_bytes.store(self.retained.bytes(), Ordering::Relaxed);
        self.published.sync_under_way.store(self.sync.is_some(), Ordering::Relaxed);
        self.published.set_at_risk_since(self.at_risk_since(released));
        let mut wake = self.published.written.publish(written.get());
        wake |= self.published.durable.publish(durable.get());
        wake |= self.published.released.publish(released.get());
        wake |= self.published.taken_bytes.publish(self.queue.taken_bytes());
        if wake {
            self.published.wake();
        }
    }

    /// What survives the death of the process, and what survives power loss.
    fn reliable_positions(&self) -> (Position, Position) {
        if let Some(provisional) = self.provisional {
            return (provisional.written, provisional.durable);
        }
        match self.health {
            // Without a log nothing survives; what is written only keeps pace.
            Health::Off => (self.written().max(self.logged), self.durable().max(self.synced)),
            Health::Closed => (self.written(), self.durable()),
            _ => (self.logged, self.synced),
        }
    }

    /// Since when the oldest write that is acknowledged and not durable has been so.
    fn at_risk_since(&self, released: Position) -> Option<Duration> {
        self.retained
            .front()
            .filter(|first| first.pending.end <= released)
            .map(|first| first.written_at.max(self.hold_ended_at))
    }

    /// How long an acknowledged write may be at risk under everysec before replies are held back.
    ///
    /// As one sync follows the other, a write is at risk for no longer than max(1 s, one sync) plus one sync. This is about
    /// syncs that take longer than could be expected: than the last one by half, and than three intervals, so that
    /// neither a hiccup of a fast disk nor the ups and downs of a slow one hold anybody back.
    fn at_risk_bound(&self) -> Duration {
        let interval = Duration::from_millis(self.options.sync_interval_ms);
        (interval * 6).max(self.last_sync_took * 3)
    }

    /// When a sync that is under way will have taken too long.
    pub(super) fn hold_at(&self) -> Option<Duration> {
        let unreported = self.sync.is_some_and(|sync| !sync.reported_slow);
        if self.policy != Policy::EverySecond || !unreported {
            return None;
        }
        self.at_risk_since(self.released()).map(|since| since + self.at_risk_bound())
    }

    fn update_hold(&mut self, now: Duration) {
        let at_risk_since = self.at_risk_since(self.released());
        let exceeded = self.policy == Policy::EverySecond
            && at_risk_since.is_some_and(|since| now >= since + self.at_risk_bound());
        let holding = exceeded && self.overload == Overload::SlowWriters;
        if self.holding && !holding {
            self.hold_ended_at = now;
        }
        self.holding = holding;
        if exceeded && let Some(sync) = self.sync.as_mut().filter(|sync| !sync.reported_slow) {
            sync.reported_slow = true;
            self.count(|counters| counters.delayed_fsync += 1);
            let at_risk_ms = at_risk_since.map_or(0, |since| now.saturating_sub(since).as_millis() as u64);
            self.events.push_back(Event::SlowSync { at_risk_ms, holding });
        }
    }

    pub(super) fn publish_sizes(&self) {
        let sizes = self.log.bytes();
        self.published.log_bytes.store(sizes.current, Ordering::Relaxed);
        self.published.log_base_bytes.store(sizes.base, Ordering::Relaxed);
    }
}
