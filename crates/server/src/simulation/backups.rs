//! BACKUP in the campaign: which backups were made and deleted, what of it was told, and what must be there after a crash.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lastsave_aof::{LogNames, is_backup};
use lastsave_storage::sim::SimulatedStorage;
use lastsave_storage::{Clock as _, Storage as _};

use super::campaign::Run;
use super::damage::DAMAGE;
use super::machine::{EXECUTOR, Machine, Started};
use super::{coverage, log_lines};
use crate::persistence::Answer;

/// The directory of backups, as the configuration has it by default.
pub(super) const BACKUPS: &str = "backups";

/// Names that clients give: few, so that they meet what is left of others.
const NAMES: [&str; 4] = ["b1", "b2", "b3", "b4"];

/// Steps within which an undisturbed backup is made.
const STEPS_MAX: usize = 64;

/// What may be there under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// Nothing.
    Gone,
    /// A backup, with the state after this unit.
    Whole(usize),
    /// Nobody was told. If there is a complete backup, then with the state after one of these units.
    Unknown(Vec<usize>),
}

/// What clients have been asking for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// BACKUP CREATE
    Create,
    /// BACKUP DELETE
    Delete,
    /// BACKUP LIST
    List,
}

/// A request that was not answered yet.
#[derive(Clone, Debug)]
struct Asked {
    ticket: u64,
    request: Request,
    /// Its name, by index; a list has none.
    name: Option<usize>,
    /// The last unit before it.
    cut: usize,
    /// What was known when it came, by name.
    before: Vec<Fate>,
    /// Nothing was wrong with the disk.
    is_clear: bool,
}

/// What is known of all backups.
#[derive(Clone, Debug)]
pub(super) struct Backups {
    fates: Vec<Fate>,
    asked: Vec<Asked>,
    /// Nobody makes any: what else is broken has to be noticed without them.
    pub(super) are_left_out: bool,
}

impl Backups {
    /// There are none.
    pub(super) fn new() -> Self {
        Self { fates: vec![Fate::Gone; NAMES.len()], asked: Vec::new(), are_left_out: false }
    }

    /// How many names there are.
    pub(super) const fn names() -> usize {
        NAMES.len()
    }

    /// A name as it is sent.
    pub(super) fn name(index: usize) -> &'static str {
        NAMES[index]
    }

    /// Whether something is being done with this name.
    pub(super) fn is_busy(&self, name: usize) -> bool {
        self.asked.iter().any(|asked| asked.name == Some(name))
    }

    /// A request was taken; `cut` is the last unit that was executed before it.
    pub(super) fn ask(&mut self, ticket: u64, request: Request, name: usize, cut: usize, is_clear: bool) {
        let mut before = self.fates.clone();
        for busy in self.asked.iter().filter_map(|asked| asked.name) {
            before[busy] = Fate::Unknown(Vec::new());
        }
        let name = (request != Request::List).then_some(name);
        if let Some(name) = name {
            // A list that is being made may show what comes of it, or not.
            let lists = self.asked.iter_mut().filter(|asked| asked.request == Request::List);
            lists.for_each(|asked| asked.before[name] = Fate::Unknown(Vec::new()));
        }
        let fate = name.map(|name| &mut self.fates[name]);
        match (request, fate) {
            (Request::Create, Some(fate @ Fate::Gone)) => *fate = Fate::Unknown(vec![cut]),
            (Request::Create, Some(Fate::Unknown(cuts))) => cuts.push(cut),
            (Request::Delete, Some(fate)) => {
                if let Fate::Whole(cut) = *fate {
                    *fate = Fate::Unknown(vec![cut]);
                }
            }
            _ => {}
        }
        self.asked.push(Asked { ticket, request, name, cut, before, is_clear });
    }

    /// A client got its answer. Gives the count that it belongs to, or what is wrong with it.
    pub(super) fn answered(&mut self, ticket: u64, answer: &Answer) -> Result<Option<&'static str>, String> {
        let Some(index) = self.asked.iter().position(|asked| asked.ticket == ticket) else { return Ok(None) };
        let asked = self.asked.remove(index);
        log_lines::push(format!("  BACKUP {:?} {:?}: {answer:?}", asked.request, asked.name.map(Self::name)));
        let Some(name) = asked.name else {
            return listed(&asked, answer).map(|()| None);
        };
        let before = &asked.before[name];
        match (asked.request, answer) {
            (Request::Create, Answer::Status(_)) if matches!(before, Fate::Whole(_)) => {
                Err(format!("the backup {} was made twice", NAMES[name]))
            }
            (Request::Create, Answer::Status(_)) => {
                self.fates[name] = Fate::Whole(asked.cut);
                Ok(Some(coverage::BACKUPS_MADE))
            }
            (Request::Delete, Answer::Status(_)) if *before == Fate::Gone => {
                Err(format!("the backup {} was deleted twice", NAMES[name]))
            }
            (Request::Delete, Answer::Status(_)) => {
                self.fates[name] = Fate::Gone;
                Ok(Some(coverage::BACKUPS_DELETED))
            }
            (Request::Delete, Answer::Error(text))
                if matches!(before, Fate::Whole(_)) && text.contains("no backup with this name") =>
            {
                Err(format!("the backup {} was made and is not there", NAMES[name]))
            }
            _ => Ok(None),
        }
    }

    /// The process is gone; nobody gets an answer any more.
    pub(super) fn end_life(&mut self) {
        self.asked.clear();
    }
}

/// Whether a list names what it has to, and nothing that is gone.
fn listed(asked: &Asked, answer: &Answer) -> Result<(), String> {
    let lines = match answer {
        Answer::Bulks(lines) => lines,
        // A disk that fails for a moment is among the campaign's faults.
        Answer::Error(text) if text.contains("Input/output error") => return Ok(()),
        _ if asked.is_clear => return Err(format!("backups could not be listed: {answer:?}")),
        _ => return Ok(()),
    };
    for (name, fate) in NAMES.iter().zip(&asked.before) {
        let line = lines.iter().find(|line| line.starts_with(&format!("name={name},")));
        let is_complete = line.is_some_and(|line| line.contains("state=complete"));
        let is_right = match fate {
            Fate::Gone => line.is_none(),
            Fate::Whole(_) => is_complete,
            Fate::Unknown(_) => true,
        };
        if !is_right {
            return Err(format!("the list says {line:?} of the backup {name}, which is {fate:?}"));
        }
    }
    Ok(())
}

fn path_of(name: usize) -> PathBuf {
    Path::new(BACKUPS).join(NAMES[name])
}

impl Run {
    /// Looks at what there is of backups on a disk that was crashed, and restores one of them.
    pub(super) fn examine_backups(&mut self, disk: &SimulatedStorage) -> Result<(), String> {
        disk.set_caller(DAMAGE);
        let names = LogNames::new("appendonly.aof", "appendonlydir").map_err(|error| error.to_string())?;
        let mut complete = Vec::new();
        for (index, name) in NAMES.iter().enumerate() {
            let path = path_of(index);
            let is_there = disk.exists(&path).map_err(|error| error.to_string())?;
            let is_complete = is_backup(disk, &path, &names).map_err(|error| error.to_string())?;
            match &self.backups.fates[index] {
                Fate::Gone if is_there => {
                    return Err(format!("the backup {name} was deleted and is there again\n"));
                }
                Fate::Whole(_) if !is_complete => {
                    return Err(format!("the backup {name} was made and is not complete\n"));
                }
                _ if is_complete => complete.push(index),
                _ => {}
            }
        }
        if !complete.is_empty() && self.random.chance(1, 3) {
            let name = complete[self.random.index(complete.len())];
            self.restore(disk, name)?;
        }
        Ok(())
    }

    /// Starts a server in a backup: it must find nothing torn, and exactly the state before the backup was asked for.
    fn restore(&mut self, disk: &SimulatedStorage, name: usize) -> Result<(), String> {
        let cuts = match &self.backups.fates[name] {
            Fate::Gone => Vec::new(),
            Fate::Whole(cut) => vec![*cut],
            Fate::Unknown(cuts) => cuts.clone(),
        };
        let mut config = self.next_configuration();
        config.appendonly = true;
        config.aof_load_truncated = false;
        let options = self.start_options();
        self.coverage.count(coverage::BACKUPS_RESTORED);
        log_lines::push(format!("-- a probe starts in the backup {}", NAMES[name]));
        disk.set_caller(DAMAGE);
        let directory = disk.open_directory(&path_of(name)).map_err(|error| error.to_string())?;
        let machine = match Machine::start_in(disk, Arc::clone(&directory), config, options) {
            Started::Yes(machine) => machine,
            Started::Refused(reason) => {
                return Err(format!("the backup {} cannot be started in: {reason}\n", NAMES[name]));
            }
        };
        let state = self.history.read(&machine.dataset.keyspace);
        let now_ms = self.clock.wall_ms();
        if cuts.iter().any(|&cut| self.history.find(&state, cut..=cut, now_ms).is_some()) {
            return Ok(());
        }
        let found = self.history.find(&state, 0..=self.history.last(), now_ms);
        let mut text = format!("the backup {} holds unit {found:?}; allowed are {cuts:?}\n", NAMES[name]);
        for unit in cuts.iter().map(|&cut| self.history.unit(cut)) {
            text.push_str(&state.difference(&unit.state, now_ms));
        }
        Err(text)
    }

    /// On a sound disk, what was interrupted can be removed, and a new backup of the same name is made and holds everything.
    pub(super) fn back_up_undisturbed(&mut self, machine: &mut Machine) -> Result<(), String> {
        if !machine.is_logging() || self.backups.are_left_out {
            return Ok(());
        }
        let name = self.random.index(NAMES.len());
        if self.is_anything_called(name)? {
            let answer = self.ask_undisturbed(machine, Request::Delete, name)?;
            if answer != Answer::status("OK") {
                return Err(format!("the backup {} cannot be deleted: {answer:?}", NAMES[name]));
            }
        }
        let answer = self.ask_undisturbed(machine, Request::Create, name)?;
        if !matches!(answer, Answer::Status(_)) {
            return Err(format!("the backup {} cannot be made: {answer:?}", NAMES[name]));
        }
        self.restore(&self.storage.clone(), name)
    }

    fn is_anything_called(&self, name: usize) -> Result<bool, String> {
        self.storage.set_caller(DAMAGE);
        let is_there = self.storage.exists(&path_of(name)).map_err(|error| error.to_string());
        self.storage.set_caller(EXECUTOR);
        is_there
    }

    fn ask_undisturbed(
        &mut self,
        machine: &mut Machine,
        request: Request,
        name: usize,
    ) -> Result<Answer, String> {
        let ticket = match machine.ask_for_backup(0, request, NAMES[name]) {
            Answer::Later(ticket) => ticket,
            answer => return Ok(answer),
        };
        self.backups.ask(ticket, request, name, self.history.last(), true);
        for _ in 0..STEPS_MAX {
            machine.persistence.hand_over();
            machine.step_log();
            if machine.work_under_way() > 0 {
                machine.finish_work();
            }
            while machine.run_housekeeping(0) {}
            machine.poll();
            for (answered, answer) in machine.take_answers() {
                self.backups.answered(answered, &answer)?;
                if answered == ticket {
                    return Ok(answer);
                }
            }
        }
        Err(format!("BACKUP {request:?} {} is not answered", NAMES[name]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done() -> Answer {
        Answer::status("OK")
    }

    #[test]
    fn what_was_told_about_a_backup_decides_what_must_be_there() {
        let mut backups = Backups::new();
        backups.ask(1, Request::Create, 0, 7, true);
        assert_eq!(backups.fates[0], Fate::Unknown(vec![7]));
        assert_eq!(backups.answered(1, &done()), Ok(Some(coverage::BACKUPS_MADE)));
        assert_eq!(backups.fates[0], Fate::Whole(7));
        backups.ask(2, Request::Delete, 0, 9, true);
        assert!(backups.is_busy(0) && !backups.is_busy(1));
        assert_eq!(backups.fates[0], Fate::Unknown(vec![7]));
        backups.end_life();
        assert_eq!(backups.fates[0], Fate::Unknown(vec![7]), "nobody was told");
        backups.ask(3, Request::Delete, 0, 9, true);
        assert_eq!(backups.answered(3, &done()), Ok(Some(coverage::BACKUPS_DELETED)));
        assert_eq!(backups.fates[0], Fate::Gone);
    }

    #[test]
    fn answers_that_contradict_each_other_are_noticed() {
        let mut backups = Backups::new();
        backups.ask(1, Request::Delete, 0, 1, true);
        assert!(backups.answered(1, &done()).is_err());
        backups.ask(2, Request::Create, 1, 1, true);
        assert!(backups.answered(2, &done()).is_ok());
        backups.ask(3, Request::List, 0, 1, true);
        assert!(backups.answered(3, &Answer::Bulks(Vec::new())).is_err());
        backups.ask(4, Request::List, 0, 1, true);
        backups.ask(5, Request::Delete, 1, 1, true);
        assert!(backups.answered(4, &Answer::Bulks(Vec::new())).is_ok(), "it may be gone already");
        assert!(backups.answered(5, &Answer::error("ERR There is no backup with this name")).is_err());
    }
}
