//! MULTI, EXEC, DISCARD, WATCH and UNWATCH.

use lastsave_resp::Request;

use crate::client::{Client, Transaction};
use crate::dispatch::Scope;
use crate::server::Server;

impl Server {
    /// MULTI.
    pub(crate) fn multi(client: &mut Client) {
        if client.session.transaction.is_some() {
            client.reply.error("ERR MULTI calls can not be nested");
            return;
        }
        client.session.transaction = Some(Transaction::new());
        client.reply.ok();
    }

    /// DISCARD.
    pub(crate) fn discard(&mut self, client: &mut Client) {
        if client.session.transaction.is_none() {
            client.reply.error("ERR DISCARD without MULTI");
            return;
        }
        self.abort_transaction(client);
        client.reply.ok();
    }

    /// Forgets the queued commands and the watched keys.
    pub(crate) fn abort_transaction(&mut self, client: &mut Client) {
        client.session.transaction = None;
        self.forget_watches(client);
    }

    fn forget_watches(&mut self, client: &mut Client) {
        self.dataset.watches.unwatch(client.id);
        client.session.watched_bytes = 0;
    }

    /// EXEC; gives the log position that the reply depends on.
    pub(crate) fn exec(&mut self, client: &mut Client) -> u64 {
        let Some(transaction) = client.session.transaction.take() else {
            client.reply.error("ERR EXEC without MULTI");
            return 0;
        };
        if transaction.aborted {
            self.forget_watches(client);
            client.reply.error("EXECABORT Transaction discarded because of previous errors.");
            return 0;
        }
        if self.is_watch_broken(client) {
            self.forget_watches(client);
            client.reply.null_array();
            // The nil tells that somebody has written to a watched key.
            return self.persistence.appended();
        }
        self.forget_watches(client);
        let queue = transaction.into_queue();
        client.reply.array(queue.len());
        let appended_before = self.persistence.appended();
        let mut depends = 0;
        client.session.in_exec = true;
        self.persistence.begin_transaction();
        for queued in &queue {
            client.activity.last_command = Some(queued.spec);
            let position =
                self.run_command(client, queued.spec, queued.request.as_request(), Scope::Transaction);
            depends = depends.max(position);
        }
        self.persistence.end_transaction();
        client.session.in_exec = false;
        let appended = self.persistence.appended();
        if appended > appended_before {
            client.session.last_write = appended;
            return appended;
        }
        depends
    }

    /// Whether a watched key was touched, or has expired since.
    fn is_watch_broken(&mut self, client: &Client) -> bool {
        self.dataset.watches.is_dirty(client.id, &self.dataset.keyspace, self.clock.now_ms())
    }

    /// WATCH.
    pub(crate) fn watch(&mut self, client: &mut Client, request: Request<'_>) {
        if client.session.transaction.is_some() {
            client.reply.error("ERR WATCH inside MULTI is not allowed");
            return;
        }
        let now_ms = self.clock.now_ms();
        for key in request.args().skip(1) {
            self.dataset.watches.watch(client.id, client.session.db, key, &self.dataset.keyspace, now_ms);
        }
        client.session.watched_bytes = self.dataset.watches.bytes_of(client.id);
        client.reply.ok();
    }

    /// UNWATCH.
    pub(crate) fn unwatch(&mut self, client: &mut Client) {
        self.forget_watches(client);
        client.reply.ok();
    }
}
