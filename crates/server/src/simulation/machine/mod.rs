//! A server without sockets: the executor's turn, the log's thread and snapshot jobs, each moved by hand.

mod control;
mod waiting;

use std::collections::VecDeque;
use std::sync::Arc;

use lastsave_commands::{CommandSpec, Dependency, Effects, Flags, Handler, ReadyKey, lookup};
use lastsave_config::Config;
use lastsave_keyspace::{Keyspace, KeyspaceOptions};
use lastsave_resp::{OwnedRequest, Protocol, ReplyBuffer, Request};
use lastsave_storage::sim::{SimulatedClock, SimulatedStorage};
use lastsave_storage::{Clock as _, Storage};
use rand::SeedableRng as _;
use rand::rngs::SmallRng;

use super::model::{DATABASES, FOREIGN_KEY, Touched};
use super::workload::Command;
use crate::dataset::{Caller, Dataset};
use crate::durability::{Durability, OwnDurability, Released};
use crate::net::gate::ReplyGate;
use crate::persistence::{
    Answer, Environment, JobMode, LoadProgress, LogState, Observation, Persistence, SimulatedLog,
};

/// Clients of a simulated server.
pub(super) const CLIENTS: usize = 5;

/// Who touches the disk, in the counts of call sites.
pub(super) const EXECUTOR: &str = "executor";

/// What a start is given besides disk and configuration.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StartOptions {
    /// All that is random follows from it.
    pub(super) seed: u64,
    /// See [`SimulatedLog`].
    pub(super) sync_window_bytes: Option<u64>,
    /// A fault on purpose.
    pub(super) gate_fault: Option<GateFault>,
}

/// What can be wrong with the gates of replies, on purpose.
#[cfg_attr(not(feature = "mutants"), expect(dead_code, reason = "only mutants break promises"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GateFault {
    /// Replies wait for nothing.
    RepliesNotHeld,
    /// A client that has asked for `always` waits for the policy only.
    RaisedDurabilityIgnored,
}

/// How a start ended.
pub(super) enum Started {
    /// The data is there.
    Yes(Box<Machine>),
    /// The server does not start; the log says why.
    Refused(String),
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Executed {
    /// It was not executed: the client is waiting, or was told that writes are refused.
    No,
    /// It, or its transaction, was appended to the stream.
    Wrote,
    /// It changed nothing, or nothing that is logged.
    Looked,
    /// Its client waits for a key.
    Waits,
}

/// A command that waited for a key and was executed again.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) client: usize,
    pub(super) command: Command,
    pub(super) executed: Executed,
}

/// A reply that has not left yet, and what it lets the client rely on.
#[derive(Debug)]
pub(super) struct Awaited {
    produced: u64,
    /// The unit that the client knows of once it has this reply.
    pub(super) unit: usize,
    /// What the client had asked for when the reply was made.
    pub(super) durability: Durability,
}

/// One connection.
#[derive(Debug)]
struct Client {
    id: u64,
    database: usize,
    durability: Durability,
    reply: ReplyBuffer,
    gate: ReplyGate,
    awaited: VecDeque<Awaited>,
    /// Waits for the end of a job.
    ticket: Option<u64>,
    /// What the reply of the job will let it rely on.
    unit_of_ticket: usize,
    /// Waits for a key: what is executed again, and the command as it was sent.
    waits: Option<(OwnedRequest, Command)>,
}

/// A server process.
pub(super) struct Machine {
    pub(super) config: Config,
    pub(super) dataset: Dataset,
    pub(super) persistence: Persistence,
    clock: SimulatedClock,
    storage: SimulatedStorage,
    effects: Effects,
    own_durability: OwnDurability,
    /// A fault on purpose.
    gate_fault: Option<GateFault>,
    clients: Vec<Client>,
    /// The ready key whose waiting clients are being served, and the place of the last of them.
    serving: Option<(ReadyKey, u64)>,
    /// What jobs have answered since somebody looked, by ticket.
    answers: Vec<(u64, Answer)>,
    /// Set when the process has ended by itself.
    pub(super) exit_code: Option<i32>,
}

impl Machine {
    /// Starts a server on a disk and lets it load everything.
    pub(super) fn start(storage: &SimulatedStorage, config: Config, options: StartOptions) -> Started {
        Self::start_in(storage, Arc::new(storage.clone()), config, options)
    }

    /// Starts a server in one of the directories of a disk.
    pub(super) fn start_in(
        storage: &SimulatedStorage,
        directory: Arc<dyn Storage>,
        config: Config,
        options: StartOptions,
    ) -> Started {
        let StartOptions { seed, sync_window_bytes, gate_fault } = options;
        storage.set_caller("start");
        let clock = storage.clock();
        let environment = Environment {
            storage: directory,
            clock: Arc::new(clock.clone()),
            wake: Arc::new(|| ()),
            job_mode: JobMode::Queued,
            simulated_log: Some(SimulatedLog {
                first_segment_id: seed,
                prepare_step_bytes: 16 << 10,
                sync_window_bytes,
            }),
        };
        let mut dataset = Dataset::new(&config);
        lastsave_commands::set_hash_seed(1);
        let hash_seed = Some([seed, 1, 2, 3]);
        dataset.keyspace = Keyspace::new(&KeyspaceOptions { databases: DATABASES, hash_seed });
        dataset.random = SmallRng::seed_from_u64(seed);
        let mut persistence = match Persistence::new(&config, environment, &dataset) {
            Ok(persistence) => persistence,
            Err(line) => {
                tracing::warn!("{line}");
                return Started::Refused(line);
            }
        };
        loop {
            match persistence.load_step(&mut dataset) {
                LoadProgress::InProgress => {}
                LoadProgress::Done => break,
                LoadProgress::Failed { .. } => return Started::Refused("loading failed".to_owned()),
            }
        }
        let clients = (0..CLIENTS as u64)
            .map(|index| Client {
                id: index + 1,
                database: 0,
                durability: Durability::Default,
                reply: ReplyBuffer::new(Protocol::Resp2),
                gate: ReplyGate::default(),
                awaited: VecDeque::new(),
                ticket: None,
                unit_of_ticket: 0,
                waits: None,
            })
            .collect();
        let effects = Effects::new();
        storage.set_caller(EXECUTOR);
        Started::Yes(Box::new(Self {
            config,
            dataset,
            persistence,
            clock,
            storage: storage.clone(),
            effects,
            own_durability: OwnDurability::default(),
            gate_fault,
            clients,
            serving: None,
            answers: Vec::new(),
            exit_code: None,
        }))
    }

    /// What is seen from outside.
    pub(super) fn observe(&self) -> Observation {
        self.persistence.observe()
    }

    /// Whether units are logged at present.
    pub(super) fn is_logging(&self) -> bool {
        self.observe().log_state == LogState::On
    }

    /// Whether this client may send a command.
    pub(super) fn is_free(&self, client: usize) -> bool {
        self.clients[client].ticket.is_none() && self.clients[client].waits.is_none()
    }

    /// SELECT.
    pub(super) fn select(&mut self, client: usize, database: usize) {
        self.clients[client].database = database;
    }

    /// The database that a client has selected.
    pub(super) fn selected(&self, client: usize) -> usize {
        self.clients[client].database
    }

    /// Executes a command, or several as one transaction. Afterwards [`Machine::note_reply`] has to be called.
    pub(super) fn execute(&mut self, client: usize, commands: &[Command], is_transaction: bool) -> Executed {
        let writes = commands.iter().any(|command| flags_of(command).has(Flags::WRITE));
        if writes && self.persistence.is_saturated() {
            return Executed::No;
        }
        if writes && let Some(text) = self.persistence.write_refusal() {
            self.clients[client].reply.error(&text);
            self.hold(client, 0);
            return Executed::No;
        }
        let before = self.persistence.appended();
        if is_transaction {
            self.persistence.begin_transaction();
        }
        let mut depends = 0;
        let mut wrote = false;
        for command in commands {
            let arguments: Vec<&[u8]> = command.arguments.iter().map(Vec::as_slice).collect();
            let request = OwnedRequest::from_args(&arguments);
            let (position, has_effects) = self.run(client, request.as_request(), is_transaction);
            depends = position.max(depends);
            wrote |= has_effects;
        }
        if is_transaction {
            self.persistence.end_transaction();
        }
        let appended = self.persistence.appended();
        if is_transaction && appended > before {
            depends = appended;
        }
        if let Some(asked) = self.dataset.blocking.take_asked() {
            let arguments: Vec<&[u8]> = commands[0].arguments.iter().map(Vec::as_slice).collect();
            let request = asked.replacement.unwrap_or_else(|| OwnedRequest::from_args(&arguments));
            self.clients[client].waits = Some((request, commands[0].clone()));
            // It may have removed what had expired.
            return if wrote { Executed::Wrote } else { Executed::Waits };
        }
        self.hold(client, depends);
        if wrote { Executed::Wrote } else { Executed::Looked }
    }

    /// Runs one command as the server's dispatch does; gives what its reply depends on and whether it had effects.
    fn run(&mut self, client: usize, request: Request<'_>, in_transaction: bool) -> (u64, bool) {
        let spec = spec_of(request.arg(0), request.get(1));
        let Handler::Data(handler) = spec.handler else { unreachable!("the workload sends data commands") };
        let now_ms = self.clock.wall_ms();
        let client = &mut self.clients[client];
        let reply_mark = client.reply.produced();
        self.dataset.keyspace.set_write_mark(self.persistence.appended() + 1);
        let mut depends = Dependency::Nothing;
        let caller = Caller {
            db: client.database,
            now_ms,
            client_id: client.id,
            may_block: !in_transaction,
            replay: false,
            no_touch: false,
        };
        let mut context = self.dataset.context(caller, &mut client.reply, &mut self.effects, &mut depends);
        handler(&mut context, request);
        let flushed_all = self.effects.flushed_all();
        let wrote = !self.effects.is_empty();
        if wrote && in_transaction {
            self.persistence.append_to_transaction(&self.effects, request);
        } else if wrote {
            self.persistence.append_unit(&self.effects, Some(request));
        }
        self.effects.clear();
        if flushed_all {
            let ticket = self.persistence.after_flush_all(&mut self.dataset, now_ms);
            if let Some(ticket) = ticket.filter(|_| !in_transaction) {
                client.reply.truncate_to(reply_mark);
                client.ticket = Some(ticket);
            }
        }
        let appended = self.persistence.appended();
        let position = match (wrote, depends) {
            (true, _) | (false, Dependency::Everything) => appended,
            (false, Dependency::Mark(mark)) => mark.min(appended),
            (false, Dependency::Nothing) => 0,
        };
        (position, wrote)
    }

    fn hold(&mut self, client: usize, position: u64) {
        let client = &mut self.clients[client];
        let (produced, durability) = (client.reply.produced(), client.durability);
        if self.persistence.is_gating() {
            self.own_durability.note_reply(durability, position);
        }
        self.persistence.hold(&mut client.gate, produced, position, durability);
    }

    /// CLIENT DURABILITY. Gives whether it was taken: without a log it is refused.
    pub(super) fn set_durability(&mut self, client: usize, durability: Durability) -> bool {
        let is_taken = durability == Durability::Default || self.persistence.is_log_enabled();
        if is_taken {
            self.clients[client].durability = durability;
            self.own_durability.note_choice(durability);
        }
        is_taken
    }

    /// Has the log synced for the clients that wait for more than the policy gives.
    pub(super) fn sync_for_clients(&mut self) {
        let now_ms = self.clock.monotonic().as_millis() as u64;
        let gates = self.clients.iter().map(|client| &client.gate);
        self.own_durability.sync(&mut self.persistence, now_ms, gates);
    }

    /// States which unit the reply just written lets its client rely on.
    pub(super) fn note_reply(&mut self, client: usize, unit: usize) {
        let client = &mut self.clients[client];
        if client.ticket.is_some() {
            client.unit_of_ticket = unit;
        } else {
            let (produced, durability) = (client.reply.produced(), client.durability);
            client.awaited.push_back(Awaited { produced, unit, durability });
        }
    }

    /// Lets the replies go that may; gives what their clients can rely on now.
    pub(super) fn flush(&mut self) -> Vec<Awaited> {
        let mut released = self.persistence.released();
        match self.gate_fault {
            Some(GateFault::RepliesNotHeld) => released = Released::EVERYTHING,
            Some(GateFault::RaisedDurabilityIgnored) => released.by_sync = released.by_policy,
            None => {}
        }
        let mut left = Vec::new();
        for client in &mut self.clients {
            let limit = client.gate.limit(client.reply.produced(), &released);
            while client.awaited.front().is_some_and(|reply| reply.produced <= limit) {
                left.extend(client.awaited.pop_front());
            }
            let sent = client.reply.produced() - client.reply.pending() as u64;
            client.reply.consume(limit.saturating_sub(sent) as usize);
        }
        left
    }
}

/// What all of the commands may touch.
pub(super) fn touched_by(commands: &[Command]) -> Touched {
    let mut all = Vec::new();
    for command in commands {
        match &command.touched {
            Touched::Everything => return Touched::Everything,
            Touched::Keys(keys) => all.extend_from_slice(keys),
        }
    }
    Touched::Keys(all)
}

fn flags_of(command: &Command) -> Flags {
    spec_of(&command.arguments[0], command.arguments.get(1).map(Vec::as_slice)).flags
}

/// The command of that name, or its subcommand.
fn spec_of(name: &[u8], word: Option<&[u8]>) -> &'static CommandSpec {
    let spec = lookup(name).expect("the workload knows its commands");
    match word {
        Some(word) if !spec.subcommands.is_empty() => {
            spec.subcommand(word).expect("the workload knows its subcommands")
        }
        _ => spec,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lastsave_config::parse_text;

    use super::*;

    #[test]
    fn a_second_that_ends_during_a_sync_is_not_followed_by_another_one() {
        let storage = SimulatedStorage::new(1);
        let (config, _) =
            parse_text(b"databases 3\nappendonly yes\nappendfsync no\n").expect("a configuration");
        let Started::Yes(mut machine) = Machine::start(&storage, config, StartOptions::default()) else {
            panic!("an empty directory is started in");
        };
        let set = [Command::plain(1, &[b"SET", b"key:1", b"v"])];
        assert!(machine.set_durability(0, Durability::EverySecond));
        assert!(machine.set_durability(1, Durability::Always));
        let turn = |machine: &mut Machine| {
            machine.poll();
            machine.persistence.hand_over();
            machine.sync_for_clients();
            machine.step_log();
        };
        storage.clock().advance(Duration::from_secs(2));
        assert_eq!(machine.execute(1, &set, false), Executed::Wrote);
        turn(&mut machine);
        assert_eq!(machine.work_under_way(), 1, "the sync that the client with always waits for");
        assert_eq!(machine.execute(0, &set, false), Executed::Wrote);
        let wanted = machine.persistence.appended();
        storage.clock().advance(Duration::from_secs(2));
        turn(&mut machine);
        machine.finish_work();
        for _ in 0..3 {
            turn(&mut machine);
            if machine.work_under_way() > 0 {
                machine.finish_work();
            }
        }
        turn(&mut machine);
        assert_eq!(machine.persistence.durable(), wanted, "no more time has passed");
    }
}
