//! From the command line to a running server.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastsave_commands::{Effects, lookup};
use lastsave_config::{
    CommandLine, Config, Host as _, Loaded, Source, StorageHost, TEST_MEMORY_USAGE, USAGE, load,
    parse_command_line,
};
use lastsave_storage::RealClock;
use mio::{Poll, Waker};

use crate::banner;
use crate::client::ClientTable;
use crate::clock::Clock;
use crate::command_names::CommandNames;
use crate::config_apply::{apply_log_level, listen_options};
use crate::config_source::ConfigSource;
use crate::control::Control;
use crate::cron::CronState;
use crate::daemon::{self, Detached};
use crate::dataset::Dataset;
use crate::durability::{OwnDurability, Released};
use crate::eviction::EvictionState;
use crate::handlers::MigrateConnections;
use crate::hooks::Hooks;
use crate::identity::{Identity, version_line};
use crate::key_waits::KeyWaitDeadlines;
use crate::net::buffer_pool::BufferPool;
use crate::net::listener::{ListenError, Listeners};
use crate::net::token::Source as EventSource;
use crate::observation::Observation;
use crate::pause::Pause;
use crate::persistence::{Environment, JobMode, Persistence};
use crate::pubsub::{Outbox, PubSub};
use crate::queues::Queues;
use crate::server::Server;
use crate::settings::Settings;
use crate::statistics::Statistics;
use crate::tracking::TrackingTable;
use crate::{crash, logging, system_files};

/// Runs the program with its arguments (the first is its name); gives the exit code.
///
/// 0 after a clean end, 1 when the server could not start or had to stop.
pub fn run(arguments: impl IntoIterator<Item = OsString>, hooks: Hooks) -> i32 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match parse_command_line(arguments.iter().skip(1).cloned()) {
        CommandLine::Serve(source) => serve(&arguments, &source, hooks),
        CommandLine::Version => {
            println!("{}", version_line());
            0
        }
        CommandLine::Help => {
            eprint!("{USAGE}");
            1
        }
        CommandLine::TestMemory(None) => {
            eprint!("{TEST_MEMORY_USAGE}");
            1
        }
        CommandLine::TestMemory(Some(_)) => {
            eprintln!("This build does not test memory; use memtest86 or your vendor's tool.");
            1
        }
        CommandLine::CheckSystem => 0,
        _ => {
            eprintln!("Sentinel mode is not supported by this server.");
            1
        }
    }
}

fn serve(arguments: &[OsString], source: &Source, hooks: Hooks) -> i32 {
    logging::install();
    crash::log_panics();
    match prepare(arguments, source) {
        Ok(Prepared::Launcher) => 0,
        Ok(Prepared::Server(start)) => start.run(hooks),
        Err(report) => {
            eprint!("{report}");
            1
        }
    }
}

/// What became of the process.
enum Prepared {
    /// The daemon runs on its own.
    Launcher,
    /// This process is the server.
    Server(Box<Start>),
}

/// Everything that is known before threads and sockets exist.
struct Start {
    loaded: Loaded,
    host: StorageHost,
    names: CommandNames,
}

/// Reads the configuration and goes into the background if it says so.
fn prepare(arguments: &[OsString], source: &Source) -> Result<Prepared, String> {
    let host = StorageHost::of_process().map_err(|error| format!("{error}\n"))?;
    let host = host.with_commands(|name| lookup(name).is_some());
    let (source, input) = take_standard_input(source, &host)?;
    let loaded = load(&source, &host)
        .map_err(|error| error.report(&format!("Redis {}", crate::identity::REDIS_VERSION)))?;
    let renamed: Vec<(String, String)> = loaded
        .declarations
        .renamed_commands
        .iter()
        .map(|renamed| (renamed.from.to_string(), renamed.to.to_string()))
        .collect();
    let names = CommandNames::with_renamed(&renamed).map_err(|text| format!("{text}\n"))?;
    if loaded.config.daemonize {
        let detached = daemon::detach(arguments, input.as_deref())
            .map_err(|error| format!("Can't daemonize: {error}\n"))?;
        if detached == Detached::Launcher {
            return Ok(Prepared::Launcher);
        }
    }
    logging::set_output(&loaded.config.logfile.to_string())
        .map_err(|text| format!("Can't open the log file: {text}\n"))?;
    apply_log_level(&loaded.config);
    crash::set_enabled(loaded.config.crash_log_enabled);
    Ok(Prepared::Server(Box::new(Start { loaded, host, names })))
}

/// Reads the configuration on standard input, if that is asked for, and makes it part of the options: it is needed a
/// second time when the server goes into the background.
fn take_standard_input(source: &Source, host: &StorageHost) -> Result<(Source, Option<Vec<u8>>), String> {
    let mut source = source.clone();
    if !source.standard_input {
        return Ok((source, None));
    }
    let input = host.read_standard_input().map_err(|error| format!("{error}\n"))?;
    source.standard_input = false;
    source.options = [&input[..], b"\n", &source.options].concat();
    Ok((source, Some(input)))
}

impl Start {
    /// Starts the server and runs it to its end.
    fn run(self, hooks: Hooks) -> i32 {
        banner::log_start(&self.loaded);
        let pid_file = pid_file(&self.loaded.config);
        let code = match self.build(hooks) {
            Ok((server, poll, _control)) => {
                if let Some(path) = &pid_file {
                    daemon::write_pid_file(path);
                }
                server.run(poll).unwrap_or_else(|error| {
                    tracing::warn!("Polling for events failed: {}", crate::errno::text(&error));
                    1
                })
            }
            Err(text) => {
                tracing::warn!("{text}");
                return 1;
            }
        };
        let had_pid_file = pid_file.is_some_and(|path| daemon::remove_pid_file(&path));
        // After a failure its reason is the last line of the log.
        if code == 0 {
            if had_pid_file {
                tracing::info!("Removing the pid file.");
            }
            tracing::info!("Redis is now ready to exit, bye bye...");
        }
        code
    }

    /// Opens the sockets, starts the control thread and puts everything together. Errors are lines for the log.
    fn build(self, hooks: Hooks) -> Result<(Server, Poll, Control), String> {
        let Self { loaded, host, names } = self;
        let system = |error: std::io::Error| crate::errno::text(&error);
        let config = loaded.config;
        let poll = Poll::new().map_err(system)?;
        let waker = Arc::new(Waker::new(poll.registry(), EventSource::Waker.token()).map_err(system)?);
        let (sender, inbox) = crossbeam_channel::unbounded();
        let shutting_down = Arc::new(AtomicBool::new(false));
        let control =
            Control::spawn(sender, Arc::clone(&waker), Arc::clone(&shutting_down)).map_err(system)?;
        let fitting_clients = daemon::raise_file_limit(config.maxclients as usize);
        let listeners = open_listeners(&config, &poll)?;
        let clock = Clock::new();
        let dataset = Dataset::new(&config);
        // The thread that reads the files begins to talk next.
        tracing::info!("Server initialized");
        let persistence = Persistence::new(&config, persistence_environment(&host, waker), &dataset)?;
        let server = Server {
            registry: poll.registry().try_clone().map_err(system)?,
            inbox,
            hooks,
            snapshot_told: false,
            shutting_down,
            settings: Settings::of(&config, fitting_clients),
            listening: listen_options(&config),
            config,
            config_source: ConfigSource { file: loaded.config_file.clone(), host },
            fitting_clients,
            dataset,
            persistence,
            effects: Effects::new(),
            clock,
            statistics: Statistics::default(),
            clients: ClientTable::default(),
            listeners,
            buffers: BufferPool::default(),
            pubsub: PubSub::default(),
            outbox: Outbox::default(),
            tracking: TrackingTable::default(),
            pause: Pause::default(),
            observation: Observation::default(),
            queues: Queues::default(),
            migrate_connections: MigrateConnections::default(),
            key_wait_deadlines: KeyWaitDeadlines::default(),
            serving: Vec::new(),
            names,
            identity: Identity::new(loaded.config_file),
            cron: CronState::default(),
            last_released: Released::EVERYTHING,
            own_durability: OwnDurability::default(),
            command_started_ns: 0,
            turn_ends_ns: 0,
            retry_accept: Vec::new(),
            eviction: EvictionState::default(),
            memory_at_start_bytes: memory_at_start_bytes(),
            http_warned_ms: None,
            exit_code: None,
        };
        Ok((server, poll, control))
    }
}

/// Bytes the process has allocated before there are any data. The allocator takes memory from the system in huge pages and
/// does not tell how much of it is in use; this early it is not much.
fn memory_at_start_bytes() -> u64 {
    const ALLOCATED_BYTES_MAX: u64 = 1 << 20;
    system_files::resident_bytes().min(ALLOCATED_BYTES_MAX)
}

/// What snapshots and the log stand on in a real server.
fn persistence_environment(host: &StorageHost, waker: Arc<Waker>) -> Environment {
    Environment {
        storage: host.storage(),
        clock: Arc::new(RealClock::new()),
        wake: Arc::new(move || {
            // Fails only when the poll is gone, and with it everything there is to wake up.
            let _poll_gone = waker.wake();
        }),
        job_mode: JobMode::Threads,
        simulated_log: None,
    }
}

fn open_listeners(config: &Config, poll: &Poll) -> Result<Listeners, String> {
    let options = listen_options(config);
    let opened = Listeners::open(&options)
        .and_then(|mut listeners| listeners.register(poll.registry()).map(|()| listeners));
    match opened {
        Ok(listeners) if listeners.len() == 0 => {
            Err("Configured to not listen anywhere, exiting.".to_owned())
        }
        Ok(listeners) => Ok(listeners),
        Err(error @ ListenError::Tcp { .. }) => {
            tracing::warn!("Warning: {error}");
            Err(format!("Failed listening on port {} (tcp), aborting.", config.port))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Where the process id is written, if anywhere.
fn pid_file(config: &Config) -> Option<String> {
    let path = config.pidfile.to_string();
    if !path.is_empty() {
        return Some(path);
    }
    config.daemonize.then(|| "/var/run/redis.pid".to_owned())
}
