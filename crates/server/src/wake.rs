//! Ends of waiting: clients whose answer has come, and what persistence and signals report.

use crate::client::{Blocked, Client};
use crate::control::ControlMessage;
use crate::net::token::ClientKey;
use crate::persistence::{Answer, Notice, ShutdownOptions, ShutdownProgress};
use crate::server::Server;

impl Server {
    /// Looks at what the control thread has sent.
    pub(crate) fn receive_control(&mut self) {
        while let Ok(message) = self.inbox.try_recv() {
            let flags = match message {
                ControlMessage::Terminate => self.config.shutdown_on_sigterm,
                ControlMessage::Interrupt => self.config.shutdown_on_sigint,
            };
            let options = ShutdownOptions {
                save: flags.save,
                nosave: flags.nosave,
                now: flags.now,
                force: flags.force,
            };
            if self.cron.is_paused {
                self.cron.pending_shutdown = Some(options);
            } else {
                self.begin_shutdown(options);
            }
        }
    }

    /// Starts to shut down; ends the loop when there is nothing to wait for.
    pub(crate) fn begin_shutdown(&mut self, options: ShutdownOptions) -> ShutdownProgress {
        self.shutting_down.store(true, std::sync::atomic::Ordering::Relaxed);
        tracing::info!("User requested shutdown...");
        if self.persistence.is_loading() {
            // Nothing was written yet that could be lost, and what is in memory is only half of the data.
            self.exit_code = Some(0);
            return ShutdownProgress::Done { exit_code: 0 };
        }
        // What is executed by now belongs to the log.
        self.persistence.hand_over();
        let progress = self.persistence.shutdown(&mut self.dataset, options, self.clock.now_ms());
        match progress {
            ShutdownProgress::Done { exit_code } => self.exit_code = Some(exit_code),
            ShutdownProgress::Pending => {}
            ShutdownProgress::Refused => self.give_up_shutdown(),
        }
        progress
    }

    fn give_up_shutdown(&mut self) {
        self.shutting_down.store(false, std::sync::atomic::Ordering::Relaxed);
        tracing::warn!("Errors trying to shut down the server. Check the logs for more information.");
        self.answer_blocked(|blocked| match blocked {
            Blocked::Shutdown => Some(Answer::Error("ERR Errors trying to SHUTDOWN. Check logs.".to_owned())),
            _ => None,
        });
    }

    /// SHUTDOWN ABORT; false when there is nothing to abort.
    pub(crate) fn abort_shutdown(&mut self) -> bool {
        let was_pending = self.cron.pending_shutdown.take().is_some();
        if !self.persistence.abort_shutdown() && !was_pending {
            return false;
        }
        tracing::info!("Shutdown manually aborted.");
        self.give_up_shutdown();
        true
    }

    /// Looks at what the threads of the persistence layer have completed.
    pub(crate) fn poll_persistence(&mut self) {
        let notices = self.persistence.poll(&mut self.dataset);
        self.act_upon(notices);
    }

    /// Acts upon what persistence reports.
    pub(crate) fn act_upon(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            match notice {
                Notice::JobDone { ticket, answer } => self.answer_blocked(|blocked| match blocked {
                    Blocked::Job { ticket: waited } if *waited == ticket => Some(answer.clone()),
                    _ => None,
                }),
                Notice::ShutdownDone { exit_code } | Notice::Fatal { exit_code } => {
                    self.exit_code = Some(exit_code);
                }
                Notice::ShutdownRefused => self.give_up_shutdown(),
                Notice::LogDisabled => self.answer_blocked(|blocked| match blocked {
                    Blocked::WaitAof { local: true, .. } => {
                        Some(Answer::Error(crate::handlers::WAITAOF_WITHOUT_LOG.to_owned()))
                    }
                    _ => None,
                }),
            }
        }
    }

    /// Answers the blocked clients for which `answer` has something to say.
    fn answer_blocked(&mut self, answer: impl Fn(&Blocked) -> Option<Answer>) {
        for key in std::mem::take(&mut self.queues.blocked) {
            let Some(client) = self.clients.get_mut(key) else { continue };
            match client.blocked.as_ref().and_then(&answer) {
                Some(Answer::Status(text)) => client.reply.simple(&text),
                Some(Answer::Error(text)) => client.reply.error(&text),
                Some(Answer::Bulks(lines)) => crate::handlers::reply_lines(client, &lines),
                Some(Answer::Later(_)) | None => {
                    self.queues.blocked.push(key);
                    continue;
                }
            }
            self.statistics.note_errors(&client.reply, &mut client.counted_errors);
            self.unblock(key);
        }
    }

    /// Lets the clients go on whose wait is over: positions that became durable, and timeouts.
    pub(crate) fn wake_blocked(&mut self) {
        let now_ms = self.clock.monotonic_ms();
        let durable = self.persistence.durable();
        for key in std::mem::take(&mut self.queues.blocked) {
            let Some(client) = self.clients.get_mut(key) else { continue };
            if client.blocked.as_ref().is_some_and(|blocked| is_over(blocked, durable, now_ms)) {
                answer_wait(client, durable);
                self.unblock(key);
            } else {
                self.queues.blocked.push(key);
            }
        }
    }

    /// Ends the wait of a client before its time, as if it had timed out or with an error; false when it does not wait
    /// for anything that can be given up.
    pub(crate) fn unblock_early(&mut self, key: ClientKey, with_error: bool) -> bool {
        let durable = self.persistence.durable();
        let Some(client) = self.clients.get_mut(key) else { return false };
        if matches!(client.blocked, Some(Blocked::Keys(_))) {
            return self.give_up_key_wait(key, with_error);
        }
        if !client.blocked.as_ref().is_some_and(Blocked::can_be_given_up) {
            return false;
        }
        if with_error {
            client.reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
            self.statistics.note_errors(&client.reply, &mut client.counted_errors);
        } else {
            answer_wait(client, durable);
        }
        self.queues.blocked.retain(|blocked| *blocked != key);
        self.unblock(key);
        true
    }

    /// Ends a client's wait after its answer was written: its further commands are executed.
    fn unblock(&mut self, key: ClientKey) {
        let position = self.persistence.appended();
        let Some(mut client) = self.clients.take(key) else { return };
        client.blocked = None;
        self.hold_reply(&mut client, position);
        client.work.parse |= !client.query.is_empty();
        self.settle(&mut client);
        self.clients.put_back(client);
    }
}

fn is_over(blocked: &Blocked, durable: u64, now_ms: u64) -> bool {
    let is_satisfied = match blocked {
        Blocked::WaitAof { position, local, replicas, .. } => {
            (!*local || durable >= *position) && *replicas == 0
        }
        Blocked::Wait { .. } | Blocked::Job { .. } | Blocked::Keys(_) | Blocked::Shutdown => false,
    };
    is_satisfied || blocked.deadline_ms().is_some_and(|deadline_ms| now_ms >= deadline_ms)
}

/// Writes the reply of WAIT and WAITAOF at the end of the wait.
fn answer_wait(client: &mut Client, durable: u64) {
    match &client.blocked {
        Some(Blocked::WaitAof { position, local, .. }) => {
            let is_local = *local && durable >= *position;
            client.reply.array(2);
            client.reply.integer(i64::from(is_local));
            client.reply.integer(0);
        }
        Some(Blocked::Wait { .. }) => client.reply.integer(0),
        _ => {}
    }
}
