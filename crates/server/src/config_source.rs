//! Where the configuration came from, and the world it is applied to.

use std::path::PathBuf;

use lastsave_config::{RewriteOptions, StorageHost};

use crate::server::Server;

/// The configuration's file and the disk it lives on.
pub(crate) struct ConfigSource {
    /// Absolute path; `None` when the server was started without a file.
    pub(crate) file: Option<PathBuf>,
    /// Its disk and its directory.
    pub(crate) host: StorageHost,
}

impl std::fmt::Debug for ConfigSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ConfigSource").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Server {
    /// Writes the configuration back to its file; the error is the reply's text. `all` also writes what is at its
    /// default.
    pub(crate) fn rewrite_config(&self, all: bool) -> Result<(), String> {
        let Some(file) = &self.config_source.file else {
            return Err("ERR The server is running without a config file".to_owned());
        };
        let options = RewriteOptions { users: &[], force_all: all };
        match self.config.rewrite(file, options, &self.config_source.host) {
            Ok(()) => {
                tracing::info!("CONFIG REWRITE executed with success.");
                Ok(())
            }
            Err(error) => {
                tracing::warn!("CONFIG REWRITE failed: {}", error.reason());
                Err(format!("ERR Rewriting config file: {}", error.reason()))
            }
        }
    }
}
