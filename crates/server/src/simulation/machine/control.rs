//! What moves a server besides commands: its other threads, operators, and time.

use std::time::Duration;

use lastsave_config::{NoHost, SetContext};
use lastsave_storage::Clock as _;

use super::{EXECUTOR, FOREIGN_KEY, Machine};
use crate::dataset::Dataset;
use crate::persistence::{Answer, Notice, Persistence, ShutdownOptions, ShutdownProgress};
use crate::simulation::backups::Request as BackupRequest;

impl Machine {
    /// Takes in what jobs and the log's thread have done.
    pub(in crate::simulation) fn poll(&mut self) {
        let notices = self.persistence.poll(&mut self.dataset);
        self.act_upon(notices);
    }

    /// Periodic work.
    pub(in crate::simulation) fn cron(&mut self) {
        let now_ms = self.clock.wall_ms();
        let notices = self.persistence.cron(&mut self.dataset, now_ms);
        self.act_upon(notices);
    }

    fn act_upon(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            match notice {
                Notice::JobDone { ticket, answer } => self.answer(ticket, &answer),
                Notice::ShutdownDone { exit_code } => self.exit_code = Some(exit_code),
                Notice::Fatal { exit_code } => panic!("the server gives up with exit code {exit_code}"),
                Notice::ShutdownRefused | Notice::LogDisabled => {}
            }
        }
    }

    /// A job has ended: the client that waited for it gets its reply.
    fn answer(&mut self, ticket: u64, answer: &Answer) {
        let appended = self.persistence.appended();
        let Some(index) = self.clients.iter().position(|client| client.ticket == Some(ticket)) else {
            return;
        };
        self.answers.push((ticket, answer.clone()));
        let client = &mut self.clients[index];
        client.ticket = None;
        match answer {
            Answer::Status(text) => client.reply.simple(text),
            Answer::Error(text) => client.reply.error(text),
            Answer::Bulks(lines) => {
                client.reply.array(lines.len());
                lines.iter().for_each(|line| client.reply.bulk(line.as_bytes()));
            }
            Answer::Later(_) => unreachable!("an answer is given at the end"),
        }
        let unit = client.unit_of_ticket;
        self.hold(index, appended);
        self.note_reply(index, unit);
    }

    /// The answers of jobs since the last call, by ticket.
    pub(in crate::simulation) fn take_answers(&mut self) -> Vec<(u64, Answer)> {
        std::mem::take(&mut self.answers)
    }

    /// A command that persistence executes; its answer, which may come later.
    pub(in crate::simulation) fn ask(
        &mut self,
        client: usize,
        ask: impl FnOnce(&mut Persistence, &mut Dataset, i64) -> Answer,
    ) -> Answer {
        let now_ms = self.clock.wall_ms();
        let answer = ask(&mut self.persistence, &mut self.dataset, now_ms);
        if let Answer::Later(ticket) = answer {
            self.clients[client].ticket = Some(ticket);
            self.clients[client].unit_of_ticket = 0;
        }
        answer
    }

    /// BACKUP.
    pub(in crate::simulation) fn ask_for_backup(
        &mut self,
        client: usize,
        request: BackupRequest,
        name: &str,
    ) -> Answer {
        self.ask(client, |server, _, now_ms| match request {
            BackupRequest::Create => server.create_backup(Some(name.as_bytes()), now_ms),
            BackupRequest::Delete => server.delete_backup(name.as_bytes()),
            BackupRequest::List => server.list_backups(),
        })
    }

    /// CONFIG SET of one directive.
    pub(in crate::simulation) fn set_config(&mut self, name: &str, value: &str) {
        let pairs = [(name.as_bytes(), value.as_bytes())];
        let change = self
            .config
            .set(&pairs, SetContext::default(), &NoHost)
            .expect("the simulation knows its directives");
        if change.includes("appendonly") {
            let now_ms = self.clock.wall_ms();
            let enabled = self.config.appendonly;
            if self.persistence.set_appendonly(&mut self.dataset, enabled, now_ms).is_err() {
                change.roll_back(&mut self.config, &NoHost);
                return;
            }
        }
        let names: Vec<&str> = change.changed().iter().map(|directive| directive.name()).collect();
        self.persistence.apply_config(&self.config, &names);
    }

    /// Removes what another server wrote, which the model knows nothing of.
    pub(in crate::simulation) fn forget_foreign_key(&mut self) {
        let key = self.dataset.keyspace.key(FOREIGN_KEY);
        self.dataset.keyspace.db_mut(0).remove(&key);
    }

    /// SHUTDOWN.
    pub(in crate::simulation) fn shutdown(&mut self, options: ShutdownOptions) {
        self.persistence.hand_over();
        let now_ms = self.clock.wall_ms();
        if let ShutdownProgress::Done { exit_code } =
            self.persistence.shutdown(&mut self.dataset, options, now_ms)
        {
            self.exit_code = Some(exit_code);
        }
    }

    /// Lets the log's thread work until it sleeps.
    pub(in crate::simulation) fn step_log(&mut self) {
        if let Some(stepper) = self.persistence.stepper() {
            self.storage.set_caller("log");
            stepper.step();
            self.storage.set_caller(EXECUTOR);
        }
    }

    /// Lets a queued snapshot be written.
    pub(in crate::simulation) fn run_queued_job(&mut self) {
        self.storage.set_caller("snapshot");
        self.persistence.run_queued_job();
        self.storage.set_caller(EXECUTOR);
    }

    /// Lets a thread of housekeeping do its work. Gives whether there was one.
    pub(in crate::simulation) fn run_housekeeping(&mut self, choice: usize) -> bool {
        self.storage.set_caller("housekeeping");
        let has_run = self.persistence.run_queued_housekeeping(choice);
        self.storage.set_caller(EXECUTOR);
        has_run
    }

    /// How many syncs and preparations have begun and not ended.
    pub(in crate::simulation) fn work_under_way(&mut self) -> usize {
        self.persistence.stepper().map_or(0, |stepper| stepper.work_under_way())
    }

    /// Ends the oldest sync or preparation.
    pub(in crate::simulation) fn finish_work(&mut self) {
        if let Some(stepper) = self.persistence.stepper() {
            self.storage.set_caller("sync");
            stepper.finish_work();
            self.storage.set_caller(EXECUTOR);
        }
    }

    /// When the log's thread would look at the clock again.
    pub(in crate::simulation) fn next_deadline(&mut self) -> Option<Duration> {
        self.persistence.stepper().and_then(|stepper| stepper.next_deadline())
    }
}
