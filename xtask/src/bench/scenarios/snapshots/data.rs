//! What is in the servers while they are saved: many strings, or few big hashes.

use std::net::SocketAddr;

use anyhow::{Result, anyhow};

use crate::bench::client::Client;
use crate::bench::load::{Commands, Content, Target, Workload};

/// Bytes of a field's value; a field has 16 as well.
const FIELD_VALUE_BYTES: usize = 16;
/// Clients that fill hashes at the same time, each of them whole ones.
const FILLERS: u64 = 2;
/// Fields of one command, and commands that are sent before their replies are read.
const FIELDS_AT_ONCE: u64 = 100;
const COMMANDS_AT_ONCE: u64 = 20;

/// What is in the servers.
#[derive(Clone, Copy)]
pub(in crate::bench::scenarios) enum Data {
    Strings { keys: u64 },
    Hashes { hashes: u64, fields: u64 },
}

impl Data {
    /// Keys of strings, fields of hashes.
    pub(super) fn elements(self) -> u64 {
        match self {
            Self::Strings { keys } => keys,
            Self::Hashes { hashes, fields } => hashes.saturating_mul(fields),
        }
    }

    pub(super) fn describe(self, value_bytes: usize) -> String {
        match self {
            Self::Strings { keys } => format!("{keys} keys, values of {value_bytes} B"),
            Self::Hashes { hashes, fields } => {
                format!(
                    "{hashes} hashes of {fields} fields, fields of 16 B with values of {FIELD_VALUE_BYTES} B"
                )
            }
        }
    }

    /// The same load, on this data.
    pub(super) fn load(self, load: Workload) -> Workload {
        match self {
            Self::Strings { .. } => load,
            Self::Hashes { hashes, .. } => {
                Workload { target: Target::Fields { hashes }, value_bytes: FIELD_VALUE_BYTES, ..load }
            }
        }
    }

    /// Puts it into a server.
    pub(super) fn fill(self, address: SocketAddr, content: Content, value_bytes: usize) -> Result<()> {
        match self {
            Self::Strings { keys } => {
                Client::connect(address)?.fill(keys, &mut Commands::new(1, content, value_bytes))
            }
            Self::Hashes { hashes, fields } => std::thread::scope(|scope| {
                let fillers: Vec<_> = (0..FILLERS)
                    .map(|filler| {
                        let mine = (filler..hashes).step_by(FILLERS as usize);
                        scope.spawn(move || {
                            let mut commands = Commands::new(1 + filler, content, FIELD_VALUE_BYTES);
                            fill_hashes(address, mine, fields, &mut commands)
                        })
                    })
                    .collect();
                fillers.into_iter().try_for_each(|filler| {
                    filler.join().map_err(|_| anyhow!("a thread that fills hashes panicked"))?
                })
            }),
        }
    }
}

fn fill_hashes(
    address: SocketAddr,
    hashes: impl Iterator<Item = u64>,
    fields: u64,
    commands: &mut Commands,
) -> Result<()> {
    let mut client = Client::connect(address)?;
    let (mut pipeline, mut count) = (Vec::new(), 0);
    for hash in hashes {
        for first in (0..fields).step_by(FIELDS_AT_ONCE as usize) {
            commands.push_fields(hash, first..fields.min(first + FIELDS_AT_ONCE), &mut pipeline);
            count += 1;
            if count == COMMANDS_AT_ONCE {
                client.send(&pipeline)?;
                client.expect_no_errors(count)?;
                pipeline.clear();
                count = 0;
            }
        }
    }
    client.send(&pipeline)?;
    client.expect_no_errors(count)
}
