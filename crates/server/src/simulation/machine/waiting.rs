//! What is executed though no client has sent it just now: commands that waited for a key, and keys that go by themselves.

use lastsave_commands::{AwaitedType, ExpireCycleKind, ReadyKey};
use lastsave_resp::OwnedRequest;
use lastsave_storage::Clock as _;

use super::{Executed, Machine, Served};
use crate::simulation::workload::Command;

impl Machine {
    /// Executes the command of the next client that waits for a key which is ready, if there is one. Afterwards
    /// [`Machine::note_reply`] has to be called, unless it goes on waiting.
    pub(in crate::simulation) fn serve_next(&mut self) -> Option<Served> {
        while !self.persistence.is_saturated() {
            let (ready, after) = match self.serving.take() {
                Some(serving) => serving,
                None => (self.dataset.blocking.next_ready()?, 0),
            };
            let present = self.awaited_type_at(&ready);
            let Some(waiter) = self.dataset.blocking.next_waiter(&ready, after, present) else { continue };
            self.serving = Some((ready, waiter.order));
            let client = waiter.client_id as usize - 1;
            if let Some((request, command)) = self.clients[client].waits.take() {
                let executed = self.execute_again(client, request, &command);
                return Some(Served { client, command, executed });
            }
        }
        None
    }

    fn awaited_type_at(&self, ready: &ReadyKey) -> Option<AwaitedType> {
        let keyspace = &self.dataset.keyspace;
        let entry = keyspace.db(ready.db).get(&keyspace.key(&ready.key))?;
        let is_past = entry.expires_at_ms().is_some_and(|at| self.clock.wall_ms() > at);
        if is_past { None } else { AwaitedType::of(&entry.value()) }
    }

    fn execute_again(&mut self, client: usize, request: OwnedRequest, command: &Command) -> Executed {
        let mut depends = 0;
        let mut executed = Executed::Looked;
        match self.persistence.write_refusal() {
            Some(text) => self.clients[client].reply.error(&text),
            None => {
                let (position, wrote) = self.run(client, request.as_request(), false);
                depends = position;
                executed = if wrote { Executed::Wrote } else { Executed::Looked };
            }
        }
        if let Some(asked) = self.dataset.blocking.take_asked() {
            self.clients[client].waits = Some((asked.replacement.unwrap_or(request), command.clone()));
            return if executed == Executed::Wrote { executed } else { Executed::Waits };
        }
        self.dataset.blocking.unblock(self.clients[client].id);
        self.hold(client, depends);
        executed
    }

    /// Whether this client waits for a key.
    pub(in crate::simulation) fn waits(&self, client: usize) -> bool {
        self.clients[client].waits.is_some()
    }

    /// A client that waits for a key waits no more: its time is over. Gives whether it waited.
    pub(in crate::simulation) fn give_up_waiting(&mut self, client: usize) -> bool {
        if self.clients[client].waits.take().is_none() {
            return false;
        }
        self.dataset.blocking.unblock(self.clients[client].id);
        self.clients[client].reply.null_array();
        // The nil tells that nobody has written to the keys.
        let appended = self.persistence.appended();
        self.hold(client, appended);
        true
    }

    /// Removes what time has taken, as far as a cycle gets. Gives whether it removed anything.
    pub(in crate::simulation) fn expire(&mut self) -> bool {
        if self.persistence.is_saturated() {
            return false;
        }
        self.dataset.keyspace.set_write_mark(self.persistence.appended() + 1);
        let (clock, kind) = (self.clock.clone(), ExpireCycleKind::Slow { hz: 10 });
        let mut clock_us = || clock.monotonic().as_micros() as u64;
        self.dataset.expire(kind, clock.wall_ms(), &mut clock_us, &mut self.effects);
        self.take_separate_effects()
    }

    /// Gives up one key, as if memory were short. Gives whether there was one.
    pub(in crate::simulation) fn evict(&mut self) -> bool {
        if self.persistence.is_saturated() {
            return false;
        }
        self.dataset.keyspace.set_write_mark(self.persistence.appended() + 1);
        let clock = self.clock.clone();
        let mut clock_us = || clock.monotonic().as_micros() as u64;
        let _outcome = self.dataset.evict(1, 1_000_000, clock.wall_ms(), &mut clock_us, &mut self.effects);
        self.take_separate_effects()
    }

    fn take_separate_effects(&mut self) -> bool {
        if self.effects.is_empty() {
            return false;
        }
        self.persistence.append_separately(&self.effects);
        self.effects.clear();
        true
    }
}
