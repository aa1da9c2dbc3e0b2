//! What CONFIG SET starts and a client may expect to be over with the reply: the log closed, its rewrite ended, superseded
//! files gone. The client waits for it, nobody else does.

use super::Persistence;
use super::api::{Answer, Notice};
use super::rewrite::Conclusion;

impl Persistence {
    /// A ticket for who wants to wait until what was switched off is over; `None` when there is nothing to wait for.
    pub(crate) fn settling_ticket(&mut self) -> Option<u64> {
        if !self.is_settling() {
            return None;
        }
        let ticket = self.next_ticket();
        self.settling_tickets.push(ticket);
        Some(ticket)
    }

    /// Answers who waits, once there is nothing left to wait for.
    pub(super) fn answer_settled(&mut self) {
        if self.settling_tickets.is_empty() || self.is_settling() {
            return;
        }
        for ticket in std::mem::take(&mut self.settling_tickets) {
            self.notices.push(Notice::JobDone { ticket, answer: Answer::status("OK") });
        }
    }

    fn is_settling(&self) -> bool {
        let conclusion = self.rewrite.as_ref().and_then(|rewrite| rewrite.conclusion);
        let is_given_up =
            conclusion.is_some_and(|conclusion| !matches!(conclusion, Conclusion::Completing(_)));
        self.disable_request.is_some() || is_given_up || self.history.is_under_way()
    }
}
