//! `maxmemory-clients`: the clients that cost most are closed when all of them together cost too much.

use lastsave_config::{ClientMemory, Config};

use crate::client::{Client, Closing};
use crate::server::Server;

/// Bytes that all clients together may cost; 0 for no limit.
pub(crate) fn client_memory_limit_bytes(config: &Config) -> u64 {
    match config.maxmemory_clients {
        ClientMemory::Bytes(bytes) => bytes,
        ClientMemory::Percent(percent) => {
            (u128::from(config.maxmemory) * u128::from(percent) / 100).try_into().unwrap_or(u64::MAX)
        }
    }
}

/// Bytes of all clients.
#[derive(Debug, Default)]
pub(crate) struct ClientMemorySums {
    /// What counts towards `maxmemory`.
    pub(crate) counted: u64,
    /// What counts towards `maxmemory-clients`: clients that must not be evicted do not.
    pub(crate) evictable: u64,
}

/// What one client has in the sums.
pub(crate) type AccountedBytes = ClientMemorySums;

impl Client {
    /// Takes what the client costs now into the sums for all clients.
    pub(crate) fn account_memory(&mut self, sums: &mut ClientMemorySums) {
        self.unaccount_memory(sums);
        // A client that goes anyway, for the output it does not read, must not take others with it.
        let is_spared = self.session.no_evict || self.closing == Closing::Now;
        self.accounted = AccountedBytes {
            counted: self.counted_bytes(),
            evictable: if is_spared { 0 } else { self.memory_bytes() as u64 },
        };
        sums.counted += self.accounted.counted;
        sums.evictable += self.accounted.evictable;
    }

    /// Takes the client out of the sums.
    pub(crate) fn unaccount_memory(&mut self, sums: &mut ClientMemorySums) {
        let before = std::mem::take(&mut self.accounted);
        sums.counted -= before.counted;
        sums.evictable -= before.evictable;
    }

    /// Bytes that count towards `maxmemory`. Of the output only what waits for the client: not what waits for the log, nor
    /// the empty part of the buffer, which messages about evicted keys may just have left behind. Keys would be given up
    /// for memory that is given back anyway.
    pub(crate) fn counted_bytes(&self) -> u64 {
        let waiting = if self.gate.is_open() { self.reply.pending() } else { 0 };
        let reply_bytes = self.reply.memory_bytes();
        (self.memory_bytes() - reply_bytes + reply_bytes.min(waiting)) as u64
    }
}

impl Server {
    /// Closes the clients that cost most, until the others cost no more than `maxmemory-clients`. `caller` is the client
    /// being served, which may be among them.
    pub(crate) fn evict_clients(&mut self, mut caller: Option<&mut Client>) {
        let limit = self.settings.max_client_bytes;
        if limit == 0 {
            return;
        }
        if let Some(caller) = &mut caller {
            caller.account_memory(&mut self.eviction.clients);
        }
        if self.eviction.clients.evictable <= limit {
            return;
        }
        let mut costs: Vec<_> = self
            .clients
            .iter()
            .chain(caller.as_deref())
            .filter(|client| client.accounted.evictable > 0 && client.closing != Closing::Now)
            .map(|client| (client.accounted.evictable, client.key))
            .collect();
        costs.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        for (_, key) in costs {
            if self.eviction.clients.evictable <= limit {
                return;
            }
            let client = match &mut caller {
                Some(caller) if caller.key == key => &mut **caller,
                _ => match self.clients.get_mut(key) {
                    Some(client) => client,
                    None => continue,
                },
            };
            tracing::info!("Evicting client: {}", client.describe(self.clock.monotonic_ms()));
            client.closing = Closing::Now;
            client.unaccount_memory(&mut self.eviction.clients);
            self.queues.doomed.push(key);
            self.statistics.evicted_clients += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_one_of_maxmemory() {
        let mut config =
            Config { maxmemory: 1000, maxmemory_clients: ClientMemory::Percent(7), ..Config::default() };
        assert_eq!(client_memory_limit_bytes(&config), 70);
        config.maxmemory = 0;
        assert_eq!(client_memory_limit_bytes(&config), 0);
        config.maxmemory_clients = ClientMemory::Bytes(5);
        assert_eq!(client_memory_limit_bytes(&config), 5);
    }
}
