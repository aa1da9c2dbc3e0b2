//! Crashing copies of a machine, and looking at what a server finds on them.

use super::campaign::Run;
use super::life::Life;
use super::log_lines;
use super::machine::{Machine, Started};
use super::promise::{Promises, Source};
use crate::persistence::LogState;
use lastsave_storage::Clock as _;

impl Run {
    /// What the operator will have the next server read.
    pub(super) fn choose_source(&mut self, log_state: LogState) {
        self.source = self.likely_source(log_state);
        if self.random.chance(1, 25) {
            self.source = if self.source == Source::Log { Source::Dump } else { Source::Log };
        }
    }

    fn likely_source(&mut self, log_state: LogState) -> Source {
        match log_state {
            LogState::On => Source::Log,
            LogState::Off => Source::Dump,
            LogState::Enabling | LogState::Disabling if self.random.chance(1, 2) => Source::Log,
            LogState::Enabling | LogState::Disabling => Source::Dump,
        }
    }

    /// The machine could crash at this moment, and goes on.
    pub(super) fn probe_between_turns(&mut self, life: &Life) -> Result<(), String> {
        let mut promises = self.promises.clone();
        life.settle_promises(&mut promises, self.history.last());
        let source = self.likely_source(life.machine.observe().log_state);
        self.probe(&promises, source)
    }

    /// Crashes the machine in several ways, and looks at what a server finds after each.
    pub(super) fn probe_variants(&mut self) -> Result<(), String> {
        let promises = self.promises.clone();
        for _ in 0..self.random.index(8) {
            self.probe(&promises, self.source)?;
        }
        Ok(())
    }

    /// Crashes a copy of the machine and starts a server on what is left of it.
    fn probe(&mut self, promises: &Promises, source: Source) -> Result<(), String> {
        let crash = self.pick_crash();
        let mut promises = promises.clone();
        promises.crash(crash, self.history.last());
        let disk = self.crashed_disk(crash);
        disk.clear_faults();
        disk.lift_space_limit();
        disk.make_short(0);
        let damage =
            if source == Source::Log && self.random.chance(1, 10) { self.damage(&disk) } else { None };
        promises.begin_start(source);
        let mut config = self.next_configuration();
        config.appendonly = source == Source::Log;
        self.coverage.crash_points += 1;
        self.coverage.starts += 1;
        let seed = self.random.next_u64();
        log_lines::push("-- a probe starts".to_owned());
        let outcome = match Machine::start(&disk, config, seed) {
            Started::Yes(machine) => {
                self.coverage.note_load(machine.persistence.cut_rows());
                let state = self.history.read(&machine.dataset.keyspace);
                let now_ms = self.clock.wall_ms();
                match &damage {
                    None => promises.judge(source, &state, &self.history, now_ms).map(|_| ()),
                    // What was damaged may be missing, but never changed.
                    Some(_) if self.history.find(&state, 0..=self.history.last(), now_ms).is_some() => Ok(()),
                    Some(_) => {
                        let told = promises.judge(source, &state, &self.history, now_ms);
                        Err(format!("a state was found that never was: {}", told.err().unwrap_or_default()))
                    }
                }
            }
            Started::Refused(_) if damage.is_some() => {
                self.coverage.note_refusal(&log_lines::last(20), self.unframed);
                self.coverage.refused_starts += 1;
                Ok(())
            }
            Started::Refused(reason) => Err(format!("refused to start: {reason}")),
        };
        self.coverage.note_disk(&disk);
        outcome.map_err(|text| {
            self.looked_at = Some(disk);
            let damage = damage.map_or(String::new(), |damage| format!(" and {damage}"));
            format!(
                "after a {crash:?}{damage} (probe of {source:?}) {text}  promised: {}",
                promises.describe()
            )
        })
    }
}
