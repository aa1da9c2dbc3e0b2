//! Starting a server: undisturbed, on a disk that fails, or with a crash in the middle.

use lastsave_config::Config;
use lastsave_storage::Clock as _;

use super::campaign::Run;
use super::machine::{Machine, StartOptions, Started};
use super::promise::{Crash, Source};
use super::{coverage, log_lines, settings, weather};

/// Attempts to start until one must succeed undisturbed.
const DISTURBED_STARTS_MAX: usize = 5;

/// Lines looked at for the reason of a refusal.
const REASON_LINES: usize = 80;

impl Run {
    /// Starts a server, if need be after some attempts that are crashed or meet a failing disk.
    pub(super) fn start(&mut self) -> Result<Box<Machine>, String> {
        for _ in 0..DISTURBED_STARTS_MAX {
            if !self.random.chance(1, 3) {
                break;
            }
            if self.random.chance(1, 3) && !self.unframed {
                self.start_on_a_failing_disk()?;
            } else {
                self.crash_a_start()?;
            }
        }
        self.start_undisturbed()
    }

    pub(super) fn next_configuration(&mut self) -> Config {
        settings::configuration(&mut self.random, self.source, self.versions.clone())
    }

    /// The power goes, or the process is killed, while a server starts.
    fn crash_a_start(&mut self) -> Result<(), String> {
        let config = self.next_configuration();
        let frames = config.aof_frames;
        self.promises.begin_start(self.source);
        let operations = self.random.pick(0..40);
        self.storage.crash_after(operations);
        self.tell(|run| format!("start, to be crashed after {operations} operations ({:?})", run.source));
        let started = self.boot(config);
        if self.storage.is_crashed() {
            self.coverage.count(coverage::CRASHED_STARTS);
            self.unframed |= !frames;
        } else {
            match started {
                Started::Yes(machine) => self.compare(&machine)?,
                Started::Refused(reason) => return Err(format!("refused to start: {reason}")),
            };
        }
        self.storage.crash_after(u64::MAX / 2);
        self.probe_variants()?;
        self.crash();
        Ok(())
    }

    /// A disk that fails may keep a server from starting, but not make it forget.
    fn start_on_a_failing_disk(&mut self) -> Result<(), String> {
        let config = self.next_configuration();
        self.promises.begin_start(self.source);
        self.tell(|_| "start on a failing disk".to_owned());
        self.storage.inject(weather::failure_at_start(&mut self.random));
        let started = self.boot(config);
        self.storage.clear_faults();
        if let Started::Yes(machine) = started {
            self.compare(&machine)?;
        }
        self.unframed = true;
        self.replace_storage(Crash::Kill);
        self.promises.crash(Crash::Kill, self.history.last());
        Ok(())
    }

    /// Nothing stands in the way: the server must start, and find what was promised.
    pub(super) fn start_undisturbed(&mut self) -> Result<Box<Machine>, String> {
        if self.source == Source::Log && self.random.chance(1, 8) {
            self.start_strictly()?;
        }
        let config = self.next_configuration();
        let frames = config.aof_frames;
        self.promises.begin_start(self.source);
        self.tell(|run| format!("start ({:?}); {}", run.source, run.promises.describe()));
        match self.boot(config) {
            Started::Yes(machine) => {
                let found = self.compare(&machine)?;
                self.promises.started(self.source, found);
                self.unframed = !frames || (self.unframed && self.source == Source::Dump);
                self.coverage.note_load(machine.persistence.rows());
                Ok(machine)
            }
            Started::Refused(reason) => Err(format!("refused to start: {reason}")),
        }
    }

    /// `aof-load-truncated no` refuses what is torn and changes nothing.
    fn start_strictly(&mut self) -> Result<(), String> {
        let mut config = self.next_configuration();
        config.aof_load_truncated = false;
        self.promises.begin_start(self.source);
        self.tell(|_| "start with aof-load-truncated no".to_owned());
        match self.boot(config) {
            Started::Yes(machine) => {
                self.compare(&machine)?;
            }
            Started::Refused(reason) => {
                let row = self.coverage.note_refusal(&log_lines::last(REASON_LINES));
                if !matches!(row, Some("F9" | "R2")) {
                    return Err(format!("refused to start with aof-load-truncated no: {reason}"));
                }
                self.coverage.count(coverage::REFUSED_STARTS);
            }
        }
        self.unframed = true;
        self.replace_storage(Crash::Kill);
        self.promises.crash(Crash::Kill, self.history.last());
        Ok(())
    }

    pub(super) fn start_options(&mut self) -> StartOptions {
        StartOptions {
            seed: self.random.next_u64(),
            sync_window_bytes: None,
            gate_fault: self.sabotage.gate_fault,
        }
    }

    pub(super) fn boot(&mut self, config: Config) -> Started {
        self.coverage.count(coverage::STARTS);
        let options = self.start_options();
        Machine::start(&self.storage, config, options)
    }

    /// Compares what a server has loaded with what was promised; the state found begins a life.
    pub(super) fn compare(&mut self, machine: &Machine) -> Result<usize, String> {
        let state = self.history.read(&machine.dataset.keyspace);
        let index = self.promises.judge(self.source, &state, &self.history, self.clock.wall_ms())?;
        let found = self.history.begin_life(state);
        self.tell(|run| format!("found unit {index} ({}), now {found}", run.history.unit(index).what));
        Ok(found)
    }
}
