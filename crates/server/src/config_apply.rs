//! Makes a changed configuration take effect.

use lastsave_commands::has_expiring_fields;
use lastsave_config::{Change, Choice as _, Config, Directive, SetError};

use crate::crash;
use crate::logging::{self, LogLevel};
use crate::net::listener::{ListenOptions, Listeners};
use crate::server::Server;
use crate::settings::Settings;

impl Server {
    /// Applies a change that was made to the configuration, or takes it back.
    pub(crate) fn apply_config(&mut self, change: Change) -> Result<(), SetError> {
        for warning in change.warnings() {
            tracing::warn!("{warning}");
        }
        match self.try_apply(&change) {
            Ok(()) => {
                self.refresh_settings();
                let names: Vec<&str> = change.changed().iter().map(|directive| directive.name()).collect();
                self.persistence.apply_config(&self.config, &names);
                if names.contains(&"maxmemory") {
                    self.follow_new_limit();
                }
                Ok(())
            }
            Err((name, reason)) => {
                let directive = Directive::find(name.as_bytes()).expect("invariant: the names are our own");
                let listened = name != "port" && name != "bind" && changes_listeners(&change);
                let moved = name != "dir" && change.includes("dir");
                change.roll_back(&mut self.config, &self.config_source.host);
                self.take_back(listened, moved);
                self.refresh_settings();
                Err(SetError::apply_failed(directive, reason))
            }
        }
    }

    /// Undoes what was applied before something else failed.
    fn take_back(&mut self, listened: bool, moved: bool) {
        if listened {
            self.close_listeners();
            self.reopen_previous();
        }
        if moved && let Err(reason) = self.persistence.change_directory(self.config_source.host.storage()) {
            tracing::warn!("Going back to the directory before: {reason}");
        }
    }

    /// What there is that the version of the RDB format to be written cannot hold.
    fn inexpressible(&self) -> Option<&'static str> {
        let version = self.config.rdb_write_version;
        if version < 12 && has_expiring_fields(&self.dataset.keyspace) {
            Some("hash fields expire, and older versions of the RDB format cannot hold when they do")
        } else if version < 10 && !self.dataset.functions.is_empty() {
            Some("there are function libraries, and older versions of the RDB format cannot hold them")
        } else {
            None
        }
    }

    /// Applies what may fail, what cannot be undone last.
    fn try_apply(&mut self, change: &Change) -> Result<(), (&'static str, String)> {
        if change.includes("rdb-write-version")
            && let Some(reason) = self.inexpressible()
        {
            return Err(("rdb-write-version", reason.to_owned()));
        }
        if change.includes("maxclients") {
            self.apply_max_clients(change.previous()).map_err(|reason| ("maxclients", reason))?;
        }
        for name in ["port", "bind"] {
            if change.includes(name) {
                self.listen_again(name)?;
                break;
            }
        }
        if change.includes("dir") {
            let storage = self.config_source.host.storage();
            self.persistence.change_directory(storage).map_err(|reason| ("dir", reason))?;
        }
        if change.includes("appendonly") {
            let enabled = self.config.appendonly;
            self.persistence
                .set_appendonly(&mut self.dataset, enabled, self.clock.now_ms())
                .map_err(|reason| ("appendonly", reason))?;
        }
        if change.includes("loglevel") {
            apply_log_level(&self.config);
        }
        if change.includes("crash-log-enabled") {
            crash::set_enabled(self.config.crash_log_enabled);
        }
        if change.includes("requirepass") {
            self.apply_password();
        }
        Ok(())
    }

    fn listen_again(&mut self, name: &'static str) -> Result<(), (&'static str, String)> {
        let options = listen_options(&self.config);
        self.close_listeners();
        let opened = Listeners::open(&options)
            .and_then(|mut listeners| listeners.register(&self.registry).map(|()| listeners));
        match opened {
            Ok(listeners) => {
                self.listeners = listeners;
                Ok(())
            }
            Err(error) => {
                tracing::warn!("Warning: {error}");
                let text = match name {
                    "port" => "Unable to listen on this port. Check server logs.",
                    _ => "Failed to bind to specified addresses.",
                };
                self.reopen_previous();
                Err((name, text.to_owned()))
            }
        }
    }

    /// Closes all listening sockets: the old ones must be gone before the same addresses can be bound again.
    fn close_listeners(&mut self) {
        let mut old = std::mem::take(&mut self.listeners);
        old.deregister(&self.registry);
    }

    /// Goes back to the addresses that worked a moment ago.
    fn reopen_previous(&mut self) {
        let reopened = Listeners::open(&self.listening)
            .and_then(|mut listeners| listeners.register(&self.registry).map(|()| listeners));
        match reopened {
            Ok(listeners) => self.listeners = listeners,
            Err(error) => tracing::warn!("Warning: {error}"),
        }
    }

    fn apply_max_clients(&mut self, previous: &Config) -> Result<(), String> {
        let wanted = self.config.maxclients as usize;
        let fitting = crate::daemon::raise_file_limit(wanted);
        if fitting < wanted {
            self.config.maxclients = previous.maxclients;
            return Err(format!(
                "The operating system is not able to handle the specified number of clients, try with {fitting}"
            ));
        }
        self.fitting_clients = fitting;
        Ok(())
    }

    /// Clients that are connected stay authenticated only if there is no password, as the default user of Redis.
    fn apply_password(&mut self) {
        if !self.config.requirepass.as_bytes().is_empty() {
            return;
        }
        for key in self.clients.keys() {
            if let Some(client) = self.clients.get_mut(key) {
                client.session.authenticated = true;
            }
        }
    }

    /// Rebuilds what is derived from the configuration.
    pub(crate) fn refresh_settings(&mut self) {
        self.settings = Settings::of(&self.config, self.fitting_clients);
        self.dataset.apply_config(&self.config);
        self.listening = listen_options(&self.config);
    }
}

fn changes_listeners(change: &Change) -> bool {
    change.includes("port") || change.includes("bind")
}

/// Sets the level of the log.
pub(crate) fn apply_log_level(config: &Config) {
    logging::set_level(LogLevel::from_name(config.loglevel.word()).unwrap_or(LogLevel::Notice));
}

/// Where the configuration says to listen.
pub(crate) fn listen_options(config: &Config) -> ListenOptions {
    ListenOptions {
        addresses: config.bind.iter().map(|address| address.to_string()).collect(),
        port: config.port,
        backlog: i32::try_from(config.tcp_backlog).unwrap_or(i32::MAX),
        unix_path: config.unixsocket.to_string(),
        unix_mode: config.unixsocketperm,
    }
}
