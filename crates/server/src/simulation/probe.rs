//! Crashing copies of a machine, and looking at what a server finds on them.

use super::campaign::Run;
use super::damage::Damage;
use super::life::Life;
use super::machine::{Machine, Started};
use super::promise::{Crash, Promises, Source};
use super::{coverage, log_lines};
use crate::persistence::LogState;
use lastsave_storage::Clock as _;
use lastsave_storage::sim::SimulatedStorage;

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
        let disk = self.crashed_disk(crash);
        disk.clear_faults();
        disk.lift_space_limit();
        disk.make_short(0);
        let is_damaged = source == Source::Log && self.random.chance(1, 10);
        let damage = if is_damaged { self.damage(&disk) } else { None };
        self.examine(promises.clone(), source, crash, disk, damage)
    }

    /// Starts a server on a disk that was crashed, and perhaps damaged; compares what it finds.
    pub(super) fn examine(
        &mut self,
        mut promises: Promises,
        source: Source,
        crash: Crash,
        disk: SimulatedStorage,
        damage: Option<Damage>,
    ) -> Result<(), String> {
        promises.crash(crash, self.history.last());
        promises.begin_start(source);
        let mut config = self.next_configuration();
        config.appendonly = source == Source::Log;
        self.coverage.count(coverage::CRASH_POINTS);
        self.coverage.count(coverage::STARTS);
        let mut options = self.start_options();
        let foreign = damage.as_ref().is_some_and(|damage| damage.is_an_append);
        if damage.is_some() && !foreign && self.random.chance(1, 3) {
            // Files are small here; what is left when a sync was never due is not looked at in these probes.
            options.sync_window_bytes = Some(self.random.pick(0..2000));
        }
        // First, so that a server started in a backup has its chance to spoil what the log holds.
        let backups = if damage.is_none() { self.examine_backups(&disk) } else { Ok(()) };
        log_lines::push("-- a probe starts".to_owned());
        let outcome = backups.and_then(|()| match Machine::start(&disk, config, options) {
            Started::Yes(mut machine) => {
                if foreign {
                    machine.forget_foreign_key();
                }
                self.coverage.note_load(machine.persistence.rows());
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
                self.coverage.note_refusal(&log_lines::last(20));
                self.coverage.count(coverage::REFUSED_STARTS);
                Ok(())
            }
            Started::Refused(reason) => Err(format!("refused to start: {reason}")),
        });
        self.coverage.note_disk(&disk);
        outcome.map_err(|text| {
            self.looked_at = Some(disk);
            let damage = damage.map_or(String::new(), |damage| format!(" and {}", damage.what));
            format!(
                "after a {crash:?}{damage} (probe of {source:?}) {text}  promised: {}",
                promises.describe()
            )
        })
    }
}
