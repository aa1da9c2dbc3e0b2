//! Runs commands in process, as a server does, but without a socket.

use lastsave_commands::{
    BlockingTable, Context, DataOptions, DataStats, Dependency, Effect, Effects, EvictionResult, Evictor,
    ExpireCycle, ExpireCycleKind, ExpireOutcome, FunctionLibraries, Handler, Signals, WatchTable, execute,
    resolve,
};
use lastsave_keyspace::{Keyspace, KeyspaceOptions};
use lastsave_resp::{Batch, Limits, OwnedRequest, Parser, Protocol, ReplyBuffer, Request};
use rand::SeedableRng;
use rand::rngs::SmallRng;

/// One record for the log, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoggedCommand {
    pub(crate) db: usize,
    pub(crate) verbatim: bool,
    pub(crate) args: Vec<Vec<u8>>,
}

/// What one command gave.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) reply: Vec<u8>,
    pub(crate) effects: Vec<LoggedCommand>,
    pub(crate) dirty: u64,
    pub(crate) depends: Dependency,
}

/// A data set and all that its commands need.
pub(crate) struct Executor {
    pub(crate) keyspace: Keyspace,
    pub(crate) functions: FunctionLibraries,
    pub(crate) db: usize,
    pub(crate) now_ms: i64,
    pub(crate) protocol: Protocol,
    pub(crate) options: DataOptions,
    pub(crate) stats: DataStats,
    pub(crate) watches: WatchTable,
    pub(crate) blocking: BlockingTable,
    pub(crate) may_block: bool,
    pub(crate) signals: Signals,
    pub(crate) replay: bool,
    pub(crate) no_touch: bool,
    random: SmallRng,
    write_mark: u64,
}

impl Executor {
    pub(crate) fn new() -> Self {
        Self {
            keyspace: Keyspace::new(&KeyspaceOptions::default()),
            functions: FunctionLibraries::new(),
            db: 0,
            now_ms: 1_700_000_000_000,
            protocol: Protocol::Resp2,
            options: DataOptions::default(),
            stats: DataStats::default(),
            watches: WatchTable::new(),
            blocking: BlockingTable::new(),
            may_block: false,
            signals: Signals::new(),
            replay: false,
            no_touch: false,
            random: SmallRng::seed_from_u64(7),
            write_mark: 0,
        }
    }

    /// Runs something in a context; every run is a unit with a log position of its own.
    pub(crate) fn with_context<R>(
        &mut self,
        run: impl FnOnce(&mut Context<'_>) -> R,
        request: Option<Request<'_>>,
    ) -> (R, Outcome) {
        self.write_mark += 1;
        self.keyspace.set_write_mark(self.write_mark);
        let mut reply = ReplyBuffer::new(self.protocol);
        let mut effects = Effects::new();
        let mut depends = Dependency::Nothing;
        let mut context = Context {
            keyspace: &mut self.keyspace,
            functions: &mut self.functions,
            db: self.db,
            now_ms: self.now_ms,
            reply: &mut reply,
            effects: &mut effects,
            watches: &mut self.watches,
            blocking: &mut self.blocking,
            may_block: self.may_block,
            signals: &mut self.signals,
            client_id: 1,
            options: &self.options,
            stats: &mut self.stats,
            depends: &mut depends,
            random: &mut self.random,
            replay: self.replay,
            no_touch: self.no_touch,
        };
        let result = run(&mut context);
        let decode = |effect: Effect<'_>| match effect {
            Effect::Verbatim { db } => {
                let request = request.expect("only a request can be logged as it was sent");
                LoggedCommand { db, verbatim: true, args: request.args().map(<[u8]>::to_vec).collect() }
            }
            Effect::Command { db, bytes } => LoggedCommand { db, verbatim: false, args: parse(bytes) },
        };
        let effects_decoded = effects.iter().map(decode).collect();
        let outcome =
            Outcome { reply: reply.to_vec(), effects: effects_decoded, dirty: effects.dirty(), depends };
        (result, outcome)
    }

    /// Runs one command; commands of the server are answered with an error that says so.
    pub(crate) fn run(&mut self, args: &[&[u8]]) -> Outcome {
        let owned = OwnedRequest::from_args(args);
        let request = owned.as_request();
        let run = |context: &mut Context<'_>| match resolve(request) {
            Err(rejection) => context.reply.error_bytes(rejection.text()),
            Ok(spec) => match spec.handler {
                Handler::Data(_) => assert!(execute(spec, context, request)),
                Handler::Server(_) | Handler::Container => context.reply.error("ERR not a data command"),
            },
        };
        self.with_context(run, Some(request)).1
    }

    pub(crate) fn run_text(&mut self, line: &str) -> Outcome {
        let args = lastsave_resp::split_arguments(line.as_bytes()).expect("test input is well formed");
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        self.run(&args)
    }

    pub(crate) fn expire_cycle(
        &mut self,
        cycle: &mut ExpireCycle,
        kind: ExpireCycleKind,
    ) -> (ExpireOutcome, Outcome) {
        let mut clock_us = 0;
        let mut tick = || {
            clock_us += 10;
            clock_us
        };
        self.with_context(|context| cycle.run(context, kind, &mut tick), None)
    }

    /// Makes the data smaller by `excess_bytes`, on a clock that goes on by `tick_us` whenever it is looked at.
    pub(crate) fn evict(
        &mut self,
        evictor: &mut Evictor,
        excess_bytes: u64,
        tick_us: u64,
    ) -> (EvictionResult, Outcome) {
        let mut clock_us = 0;
        let mut clock = || {
            clock_us += tick_us;
            clock_us
        };
        self.with_context(|context| evictor.run(context, excess_bytes, 500, &mut clock), None)
    }
}

fn parse(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut batch = Batch::new();
    let progress = Parser::new().parse(bytes, &Limits::default(), &mut batch, 2);
    assert_eq!((batch.len(), progress.consumed), (1, bytes.len()), "an effect is one whole command");
    let request = batch.request(0, bytes);
    assert!(request.is_canonical(), "effects are canonical");
    request.args().map(<[u8]>::to_vec).collect()
}
