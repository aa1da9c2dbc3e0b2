//! One life of a server: turns of its loop, what operators do to it, and the passing of time.

use std::time::Duration;

use lastsave_config::{AppendFsync, AppendfsyncOverload};
use lastsave_fsync_scheduler::Policy;
use lastsave_storage::sim::{SimulatedRandom, SimulatedStorage};

use super::backups::{Backups, Request};
use super::coverage::{self, Coverage};
use super::machine::{CLIENTS, Executed, Machine, touched_by};
use super::model::{DATABASES, History, Touched};
use super::pace::Pace;
use super::promise::Promises;
use super::weather::Weather;
use super::{log_lines, settings, workload};
use crate::persistence::{Answer, LogState, ShutdownOptions};

/// What a life works on, which outlives it.
pub(super) struct World<'a> {
    pub(super) random: &'a mut SimulatedRandom,
    pub(super) history: &'a mut History,
    pub(super) promises: &'a mut Promises,
    pub(super) backups: &'a mut Backups,
    /// Clients choose their durability. It makes for many more syncs, so that less is at risk.
    pub(super) durability_is_chosen: bool,
    pub(super) coverage: &'a mut Coverage,
}

/// A server at work.
pub(super) struct Life {
    pub(super) machine: Box<Machine>,
    storage: SimulatedStorage,
    pace: Pace,
    weather: Weather,
    saves_succeeded: u64,
    shuts_down: bool,
    /// Something is wrong with the disk, or was since the log is being switched off.
    was_disturbed: bool,
    /// There may be a file without frames.
    pub(super) is_unframed: bool,
    /// Nothing was wrong when the shutdown began.
    closes_well: bool,
    /// What a client was told and cannot be.
    pub(super) contradiction: Option<String>,
}

impl Life {
    pub(super) fn new(machine: Box<Machine>, storage: SimulatedStorage) -> Self {
        let is_unframed = !machine.config.aof_frames;
        let pace = Pace::new(storage.clock());
        let weather = Weather::default();
        Self {
            machine,
            storage,
            pace,
            weather,
            saves_succeeded: 0,
            shuts_down: false,
            was_disturbed: false,
            is_unframed,
            closes_well: false,
            contradiction: None,
        }
    }

    /// Whether the life is over.
    pub(super) fn is_over(&self) -> bool {
        self.storage.is_crashed() || self.machine.exit_code.is_some()
    }

    /// One turn of the loop, and some time.
    pub(super) fn turn(&mut self, world: &mut World<'_>) {
        if !self.shuts_down {
            self.weather.turn(&self.storage, world.random, self.is_unframed);
        }
        self.machine.poll();
        self.look(world);
        for _ in 0..world.random.index(4) {
            self.serve_a_client(world);
        }
        self.end_waiting(world);
        if world.random.chance(1, 10) {
            self.operate(world);
        }
        if world.random.chance(1, 12) {
            self.use_backups(world);
        }
        if world.random.chance(1, 3) {
            self.machine.run_queued_job();
        }
        if world.random.chance(1, 2) {
            let choice = world.random.index(4);
            self.machine.run_housekeeping(choice);
        }
        self.end_turn(world);
        let ms = match world.random.index(20) {
            0..=9 => 0,
            10..=14 => world.random.pick(1..20),
            15..=17 => world.random.pick(20..500),
            18 => world.random.pick(500..3000),
            _ if world.random.chance(1, 8) => world.random.pick(10_000..40_000),
            _ => 1001,
        };
        self.pass_time(world, Duration::from_millis(ms));
    }

    /// Periodic work, the hand-over to the log, its thread, and the replies.
    fn end_turn(&mut self, world: &mut World<'_>) {
        if self.pace.takes_cron(false) {
            self.cron(world);
        }
        self.machine.persistence.hand_over();
        self.machine.sync_for_clients();
        if world.random.chance(3, 4) {
            self.step_log(world);
        }
        self.send_replies(world);
    }

    fn step_log(&mut self, world: &mut World<'_>) {
        self.pace.step_log(&mut self.machine, world.random, self.weather.syncs_are_slow);
    }

    /// Lets time pass, and everything happen that it brings.
    fn pass_time(&mut self, world: &mut World<'_>, by: Duration) {
        let until = self.pace.now() + by;
        let in_a_hurry = by > Duration::from_secs(5);
        while self.pace.now() < until && !self.is_over() {
            self.pace.advance(&mut self.machine, until);
            self.machine.poll();
            self.look(world);
            // Before time goes on, the log's thread does what is due.
            if self.pace.takes_cron(in_a_hurry) {
                self.cron(world);
                self.machine.run_housekeeping(0);
            }
            self.machine.persistence.hand_over();
            self.machine.sync_for_clients();
            self.step_log(world);
            self.send_replies(world);
        }
    }

    /// Sees what was promised since the last look. Nobody is told anything by a machine that is off.
    pub(super) fn look(&mut self, world: &mut World<'_>) {
        if self.storage.is_crashed() {
            return;
        }
        for (ticket, answer) in self.machine.take_answers() {
            match world.backups.answered(ticket, &answer) {
                Ok(what) => what.into_iter().for_each(|what| world.coverage.count(what)),
                Err(what) => self.contradiction = Some(what),
            }
        }
        let now = self.machine.observe();
        // A log that fails when it is switched off is given up as it is.
        self.was_disturbed = !self.weather.is_clear()
            || now.log_fails
            || (self.was_disturbed && now.log_state != LogState::On);
        if self.was_disturbed && now.log_state != LogState::On {
            world.promises.give_up();
        }
        world.promises.observe(now, world.history.last());
        world.coverage.count_many(coverage::SAVES, now.saves_succeeded - self.saves_succeeded);
        self.saves_succeeded = now.saves_succeeded;
        if now.log_state == LogState::On {
            let durable = world.history.unit_at(self.machine.persistence.durable());
            world.promises.durable(durable);
        }
    }

    pub(super) fn send_replies(&mut self, world: &mut World<'_>) {
        let left = self.machine.flush();
        if self.storage.is_crashed() {
            return;
        }
        let now = self.pace.now();
        for reply in left {
            world.coverage.count(coverage::REPLIES);
            let logged = world.history.unit(reply.unit).policy;
            world.promises.acknowledge(reply.unit, logged, reply.durability, now);
        }
        self.look(world);
    }

    fn policy(&self) -> Policy {
        match self.machine.config.appendfsync {
            AppendFsync::Always => Policy::Always,
            AppendFsync::Everysec => Policy::EverySecond,
            AppendFsync::No => Policy::No,
        }
    }

    /// A client sends a command, or several as a transaction.
    pub(super) fn execute(&mut self, world: &mut World<'_>, client: usize, commands: &[workload::Command]) {
        let executed = self.machine.execute(client, commands, commands.len() > 1);
        self.note_executed(world, client, commands, executed);
    }

    /// Lets time pass, and nothing else happen.
    pub(super) fn pass(&self, time: Duration) {
        self.storage.clock().advance(time);
    }

    pub(super) fn ask_for_rewrite(&mut self, client: usize) {
        if self.machine.is_free(client) {
            self.machine.ask(client, |server, data, now_ms| server.bgrewriteaof(data, false, now_ms));
        }
    }

    pub(super) fn change_policy(&mut self, world: &mut World<'_>, policy: &str) {
        self.set("appendfsync", policy);
        world.promises.set_policy(self.policy(), world.history.last());
    }

    fn serve_a_client(&mut self, world: &mut World<'_>) {
        let client = world.random.index(CLIENTS);
        if !self.machine.is_free(client) || self.is_over() {
            return;
        }
        let random = &mut *world.random;
        if random.chance(1, 6) {
            self.machine.select(client, random.index(DATABASES));
        }
        if world.durability_is_chosen && random.chance(1, 15) {
            let durability = settings::durability(random);
            let is_taken = self.machine.set_durability(client, durability);
            log_lines::push(format!("  client {client} asks for {durability:?}: {is_taken}"));
            world.coverage.count_many(coverage::DURABILITIES, u64::from(is_taken));
        }
        let is_transaction = random.chance(1, 12);
        let count = if is_transaction { random.index(6) + 1 } else { 1 };
        let commands: Vec<_> = (0..count)
            .map(|_| match random.index(40) {
                0..=8 => workload::read(random),
                9 | 10 => workload::wait(random),
                _ => workload::write(random),
            })
            .collect();
        let executed = self.machine.execute(client, &commands, is_transaction);
        self.note_executed(world, client, &commands, executed);
        self.serve_waiting(world);
    }

    /// Serves the clients whose keys have become ready.
    fn serve_waiting(&mut self, world: &mut World<'_>) {
        while let Some(served) = self.machine.serve_next() {
            world.coverage.count(coverage::SERVED_WAITS);
            let commands = [served.command];
            self.note_executed(world, served.client, &commands, served.executed);
        }
    }

    /// Takes note of what a command, or a transaction, has done.
    fn note_executed(
        &mut self,
        world: &mut World<'_>,
        client: usize,
        commands: &[workload::Command],
        executed: Executed,
    ) {
        let touched = touched_by(commands);
        let unit = match executed {
            Executed::No | Executed::Waits => return,
            // Its reply may come without a look at the data.
            Executed::Looked if !commands[0].surely_looks => 0,
            Executed::Looked => {
                world.history.revealed_by(self.machine.selected(client), &commands[0].touched)
            }
            Executed::Wrote => {
                let words: Vec<String> = commands.iter().map(workload::Command::describe).collect();
                for command in commands {
                    world.coverage.note_command(&command.arguments[0]);
                }
                self.note_unit(world, &touched, words.join("; "))
            }
        };
        if !self.machine.waits(client) {
            self.machine.note_reply(client, unit);
        }
        self.look(world);
    }

    fn note_unit(&mut self, world: &mut World<'_>, touched: &Touched, what: String) -> usize {
        world.coverage.count(coverage::UNITS);
        let end = self.machine.persistence.appended();
        let logged = self.machine.is_logging().then(|| self.policy());
        let keyspace = &self.machine.dataset.keyspace;
        world.history.note_unit(keyspace, touched, end, logged, what)
    }

    /// Periodic work.
    pub(super) fn cron(&mut self, world: &mut World<'_>) {
        if self.machine.expire() {
            world.coverage.note_command(b"(expired)");
            self.note_unit(world, &Touched::Everything, "what had expired goes".to_owned());
        }
        self.machine.cron();
        self.look(world);
    }

    /// What an operator does.
    fn operate(&mut self, world: &mut World<'_>) {
        let client = world.random.index(CLIENTS);
        if !self.machine.is_free(client) || self.is_over() {
            return;
        }
        let random = &mut *world.random;
        let what = random.index(16);
        let log_is_on = self.machine.config.appendonly;
        match what {
            0..=2 => {
                self.machine.ask(client, |server, data, now_ms| server.bgsave(data, now_ms % 2 == 0, now_ms));
            }
            3 => {
                self.machine.ask(client, |server, data, now_ms| server.save(data, now_ms));
            }
            4..=6 => {
                world.coverage.count(coverage::REWRITES);
                self.ask_for_rewrite(client);
            }
            7 | 8 => {
                let policy = settings::policy(random);
                self.change_policy(world, policy);
            }
            9 if log_is_on && random.chance(1, 2) => {
                let is_a_mistake = random.chance(1, 3);
                self.set("appendonly", "no");
                if is_a_mistake {
                    self.look(world);
                    self.set("appendonly", "yes");
                }
            }
            9 | 10 if !log_is_on => self.set("appendonly", "yes"),
            11 => {
                let points = settings::save_points(random);
                self.set("save", points);
            }
            12 if random.chance(1, 3) => {
                let options = ShutdownOptions {
                    nosave: random.chance(1, 4),
                    save: false,
                    now: true,
                    force: random.chance(1, 3),
                };
                log_lines::push(format!("  shutdown {options:?}"));
                self.shuts_down = true;
                self.closes_well = self.weather.is_clear() && !self.machine.observe().log_fails;
                self.machine.shutdown(options);
            }
            13 if self.machine.evict() => {
                world.coverage.note_command(b"(evicted)");
                self.note_unit(world, &Touched::Everything, "a key is given up".to_owned());
            }
            14 if random.chance(1, 2) && self.weather.is_clear() => {
                let wanted = if random.chance(1, 2) { "yes" } else { "no" };
                self.set("aof-frames", wanted);
                self.is_unframed |= wanted == "no";
            }
            _ => {}
        }
        self.look(world);
    }

    /// A client makes, lists or deletes a backup.
    fn use_backups(&mut self, world: &mut World<'_>) {
        let client = world.random.index(CLIENTS);
        let name = world.random.index(Backups::names());
        let request = match world.random.index(8) {
            0..=3 => Request::Create,
            4 | 5 => Request::Delete,
            _ => Request::List,
        };
        let is_busy = request != Request::List && world.backups.is_busy(name);
        if !self.machine.is_free(client) || self.is_over() || is_busy || world.backups.are_left_out {
            return;
        }
        let is_clear = self.weather.is_clear();
        let cut = world.history.last();
        if let Answer::Later(ticket) = self.machine.ask_for_backup(client, request, Backups::name(name)) {
            world.backups.ask(ticket, request, name, cut, is_clear);
        }
        self.look(world);
    }

    /// The time of a client that waits may be over.
    fn end_waiting(&mut self, world: &mut World<'_>) {
        let client = world.random.index(CLIENTS);
        if world.random.chance(1, 8) && !self.is_over() && self.machine.give_up_waiting(client) {
            self.machine.note_reply(client, 0);
        }
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        log_lines::push(format!("  CONFIG SET {name} '{value}'"));
        self.machine.set_config(name, value);
    }

    /// What holds at this very moment: time alone makes some promises firm.
    pub(super) fn settle_promises(&self, promises: &mut Promises, last: usize) {
        if self.machine.config.appendfsync_overload == AppendfsyncOverload::SlowWriters {
            promises.apply_windows(self.pace.now(), self.pace.window(), self.pace.window_apart());
        }
        if self.machine.exit_code == Some(0) && self.closes_well {
            promises.closed(last);
        }
    }
}
