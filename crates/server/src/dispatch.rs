//! One command of one client: from its name to its reply and its place in the log.

use lastsave_commands::{CommandSpec, Context, DataCommand, Dependency, Flags, Handler};
use lastsave_resp::{OwnedRequest, Request};

use crate::client::{Blocked, Client, Closing, ReplyMode};
use crate::dataset::Caller;
use crate::handlers;
use crate::refusal::{self, Refusal};
use crate::server::Server;

/// What becomes of the commands behind this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// They may be executed.
    Continue,
    /// This command was not executed and has to wait, and they with it.
    Park,
}

/// Whether a command runs on its own or as part of EXEC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// On its own: its effects are a unit of the log.
    Single,
    /// One of several whose effects are one unit.
    Transaction,
}

impl Server {
    /// Executes one command as the client sent it.
    pub(crate) fn execute(
        &mut self,
        client: &mut Client,
        spec: Option<&'static CommandSpec>,
        request: Request<'_>,
    ) -> Flow {
        if !self.tracking.is_idle() {
            // What is given up is told before the reply, which has nothing to do with it.
            self.limit_tracking(Some(client));
            self.deliver(Some(client));
        }
        let limit = self.settings.output_limit_of(client).hard_bytes;
        client.limit_replies(limit);
        client.reply_start = client.reply.produced();
        let flow = self.admit(client, spec, request);
        if self.dataset.blocking.has_ready() && self.tracking.is_idle() {
            self.serve_ready_keys();
        }
        let has_replied = flow == Flow::Continue && !matches!(client.blocked, Some(Blocked::Keys(_)));
        if has_replied && client.session.reply_mode != ReplyMode::On {
            let wanted = if spec.is_some_and(answers_with_pushes) {
                client.reply.produced()
            } else {
                client.reply_start
            };
            client.session.apply_reply_mode(&mut client.reply, wanted);
            client.gate.retract(client.reply.produced());
        }
        end_caching(client, spec);
        self.deliver(Some(client));
        if limit > 0 {
            self.limit_output(client);
        }
        flow
    }

    /// Checks a command in Redis' order and, if it may, queues or runs it.
    fn admit(
        &mut self,
        client: &mut Client,
        spec: Option<&'static CommandSpec>,
        request: Request<'_>,
    ) -> Flow {
        if spec.is_none() && refusal::is_http(request.arg(0)) {
            self.drop_http_client(client);
            return Flow::Continue;
        }
        let spec = match self.resolve(client, spec, request) {
            Ok(spec) => spec,
            Err(refusal) => {
                self.refuse(client, None, &refusal);
                return Flow::Continue;
            }
        };
        client.activity.last_command = Some(spec);
        // Before keys are given up for what the commands before this one have made clients cost.
        self.evict_clients(Some(client));
        if client.closing == Closing::Now {
            return Flow::Continue;
        }
        if let Some(refusal) = self.refusal_of(client, spec, request) {
            self.refuse(client, Some(spec), &refusal);
            return Flow::Continue;
        }
        if self.pause.is_on() && self.waits_for_pause(client, spec) {
            return Flow::Park;
        }
        if self.must_wait(client, spec) {
            return Flow::Park;
        }
        if client.session.transaction.is_some() && !runs_inside_multi(spec) {
            client.session.enqueue(spec, OwnedRequest::from(request));
            client.reply.simple("QUEUED");
            return Flow::Continue;
        }
        let depends = self.run_command(client, spec, request, Scope::Single);
        if let Some(asked) = self.dataset.blocking.take_asked() {
            self.block_on_keys(client, spec, request, asked);
            return Flow::Continue;
        }
        self.hold_reply(client, depends);
        Flow::Continue
    }

    /// Finds the command, and the subcommand of a container.
    fn resolve(
        &self,
        client: &Client,
        spec: Option<&'static CommandSpec>,
        request: Request<'_>,
    ) -> Result<&'static CommandSpec, Refusal> {
        let Some(spec) = spec else {
            return Err(Refusal::UnknownCommand(Refusal::describe_unknown(request)));
        };
        let spec = if spec.subcommands.is_empty() || request.len() < 2 {
            spec
        } else {
            spec.subcommand(request.arg(1))
                .ok_or_else(|| Refusal::unknown_subcommand(spec, request.arg(1)))?
        };
        if !spec.accepts(request.len()) {
            return Err(Refusal::Arity(spec));
        }
        if spec.flags.has(Flags::PROTECTED) && !self.allows_protected(client, spec) {
            return Err(Refusal::Protected(spec));
        }
        Ok(spec)
    }

    /// Whether a command has to stay in the query buffer for now. Marks the client accordingly.
    fn must_wait(&mut self, client: &mut Client, spec: &'static CommandSpec) -> bool {
        if client.session.would_write(spec) && self.persistence.is_saturated() {
            client.work.parked = true;
            self.queues.parked.push(client.key);
            return true;
        }
        false
    }

    /// Runs a command that passed all checks; gives what its reply depends on.
    pub(crate) fn run_command(
        &mut self,
        client: &mut Client,
        spec: &'static CommandSpec,
        request: Request<'_>,
        scope: Scope,
    ) -> u64 {
        let started_ns = self.command_started_ns;
        let depends = match spec.handler {
            Handler::Data(handler) => self.run_data(client, handler, request, scope),
            Handler::Server(command) => self.run_server(client, command, request, scope),
            // Its arity has already refused it.
            Handler::Container => 0,
        };
        if self.dataset.blocking.is_asked() {
            // It is counted when it has its reply; who monitors sees it now.
            self.show_to_monitors(client, spec, request);
            return depends;
        }
        let failed = self.statistics.note_errors(&client.reply, &mut client.counted_errors);
        let duration_ns = self.finish_timing(spec, started_ns, failed, scope == Scope::Transaction);
        self.observe(client, spec, request, duration_ns);
        if client.session.tracking.is_some() {
            self.remember_keys(client, spec, request);
        }
        depends
    }

    /// Runs a command on the data; gives what its reply depends on.
    pub(crate) fn run_data(
        &mut self,
        client: &mut Client,
        handler: DataCommand,
        request: Request<'_>,
        scope: Scope,
    ) -> u64 {
        self.run_with_data(client, request, scope, |context| handler(context, request))
    }

    /// Runs something that works on the data, as one command; gives what its reply depends on.
    #[inline]
    pub(crate) fn run_with_data(
        &mut self,
        client: &mut Client,
        request: Request<'_>,
        scope: Scope,
        work: impl FnOnce(&mut Context<'_>),
    ) -> u64 {
        let reply_mark = client.reply.produced();
        self.dataset.keyspace.set_write_mark(self.persistence.appended() + 1);
        let mut depends = Dependency::Nothing;
        let caller = Caller {
            db: client.session.db,
            now_ms: self.clock.now_ms(),
            client_id: client.id,
            may_block: scope == Scope::Single,
            replay: false,
            no_touch: client.session.no_touch,
        };
        let mut context = self.dataset.context(caller, &mut client.reply, &mut self.effects, &mut depends);
        work(&mut context);
        let flushed_all = self.effects.flushed_all();
        self.follow_signals(Some(client));
        let wrote = self.append_effects(request, scope);
        if flushed_all {
            self.follow_flush_all(client, reply_mark, scope);
        }
        if wrote && scope == Scope::Single {
            client.session.last_write = self.persistence.appended();
        }
        if wrote { self.persistence.appended() } else { self.position_of(&depends) }
    }

    /// Hands the effects of the command under way to the log; false when there are none.
    pub(crate) fn append_effects(&mut self, request: Request<'_>, scope: Scope) -> bool {
        if self.effects.is_empty() {
            return false;
        }
        match scope {
            Scope::Single => self.persistence.append_unit(&self.effects, Some(request)),
            Scope::Transaction => self.persistence.append_to_transaction(&self.effects, request),
        }
        self.effects.clear();
        true
    }

    /// What FLUSHALL asks of snapshots; its client waits for the empty one to be written, if there is to be one.
    fn follow_flush_all(&mut self, client: &mut Client, reply_mark: u64, scope: Scope) {
        let ticket = self.persistence.after_flush_all(&mut self.dataset, self.clock.now_ms());
        if let Some(ticket) = ticket.filter(|_| scope == Scope::Single) {
            client.reply.truncate_to(reply_mark);
            self.block(client, Blocked::Job { ticket });
        }
    }

    /// The log position that a dependency stands for. Marks are bounded by what was appended: a mark is set before
    /// the unit that it announces, and a unit that turned out to have no effects is never appended.
    pub(crate) fn position_of(&self, depends: &Dependency) -> u64 {
        let appended = self.persistence.appended();
        match depends {
            Dependency::Nothing => 0,
            Dependency::Mark(mark) => (*mark).min(appended),
            Dependency::Everything => appended,
        }
    }

    /// Lets the reply just written wait for what it depends on.
    pub(crate) fn hold_reply(&mut self, client: &mut Client, position: u64) {
        let durability = client.session.durability;
        if self.persistence.is_gating() {
            self.own_durability.note_reply(durability, position);
        }
        self.persistence.hold(&mut client.gate, client.reply.produced(), position, durability);
    }
}

/// CLIENT CACHING is about one command, or one transaction.
fn end_caching(client: &mut Client, spec: Option<&'static CommandSpec>) {
    let is_about_clients = spec.is_some_and(|spec| spec.name == "client");
    if let Some(tracking) = client.session.tracking.as_deref_mut()
        && client.session.transaction.is_none()
        && !is_about_clients
    {
        tracking.caching = false;
    }
}

/// Whether a command's answers are pushes, which CLIENT REPLY does not suppress.
fn answers_with_pushes(spec: &'static CommandSpec) -> bool {
    matches!(spec.handler, Handler::Server(command) if handlers::answers_with_pushes(command))
}

/// Commands that MULTI does not queue.
fn runs_inside_multi(spec: &CommandSpec) -> bool {
    use lastsave_commands::ServerCommand::{Discard, Exec, Multi, Quit, Reset, Watch};
    matches!(spec.handler, Handler::Server(Exec | Discard | Multi | Watch | Quit | Reset))
}
