//! How much time of writes a power loss would take, moment by moment, computed from when things became durable.
//!
//! A sync, or a snapshot, that has ended keeps everything written before it began. So at any moment of a load without
//! pauses, the oldest write at risk is as old as the beginning of the newest one that has ended.

use std::time::Duration;

/// The age of the oldest write at risk, in milliseconds, at regular moments of a load.
pub(super) struct Exposure {
    /// Seconds since the start of the load, and milliseconds at risk.
    pub(super) points: Vec<(f64, f64)>,
}

const STEP_SECONDS: f64 = 0.02;

impl Exposure {
    /// `saves` are the beginnings and ends of what made data durable, in seconds since the start of the load, which lasted
    /// `duration`. What was written before the start counts as durable.
    pub(super) fn of(saves: &[(f64, f64)], duration: Duration) -> Self {
        let mut by_end: Vec<(f64, f64)> = saves.iter().map(|(begin, end)| (*end, *begin)).collect();
        by_end.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut ended = by_end.into_iter().peekable();
        let mut durable = 0.0_f64;
        let count = (duration.as_secs_f64() / STEP_SECONDS) as usize;
        let points = (0..count).map(|index| index as f64 * STEP_SECONDS).map(|at| {
            while let Some((_, begin)) = ended.next_if(|(end, _)| *end <= at) {
                durable = durable.max(begin);
            }
            (at, (at - durable) * 1000.0)
        });
        Self { points: points.collect() }
    }

    pub(super) fn max_ms(&self) -> f64 {
        self.points.iter().map(|(_, risk)| *risk).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_sync_keeps_was_written_before_it_began() {
        // A sync from second 1 to 1.5: until it ends everything is at risk, then what was written since its beginning.
        let exposure = Exposure::of(&[(1.0, 1.5)], Duration::from_secs(2));
        let at = |seconds: f64| exposure.points[(seconds / STEP_SECONDS).round() as usize].1;
        assert!((at(1.4) - 1400.0).abs() < 1.0);
        assert!((at(1.6) - 600.0).abs() < 1.0);
        assert!((exposure.max_ms() - 1480.0).abs() < 25.0);
        let never = Exposure::of(&[], Duration::from_secs(1));
        assert!(never.max_ms() > 900.0);
    }

    #[test]
    fn a_slow_sync_that_ends_late_does_not_undo_a_later_one() {
        let exposure = Exposure::of(&[(0.2, 1.5), (1.0, 1.1)], Duration::from_secs(2));
        let last = exposure.points.last().unwrap();
        assert!((last.1 - (last.0 - 1.0) * 1000.0).abs() < 1e-6);
    }
}
