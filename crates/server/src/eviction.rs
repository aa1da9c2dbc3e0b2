//! `maxmemory`: what counts towards it, and giving up keys when it is reached.
//!
//! Counted are the data, the buffers of clients, and what the process used before there were any. Not counted is what
//! giving up keys cannot free: batches of the log, replies held for it, and what only snapshots still hold.

use lastsave_commands::{EvictionResult, eviction_limit_us};

use crate::client::Client;
use crate::client_eviction::ClientMemorySums;
use crate::server::Server;

/// What eviction remembers between two commands.
#[derive(Debug, Default)]
pub(crate) struct EvictionState {
    /// Memory of all clients. Kept up to date whenever a client was served.
    pub(crate) clients: ClientMemorySums,
    /// There is more to give up than there was time for.
    is_unfinished: bool,
    /// Since when `maxmemory` is exceeded, in microseconds of the monotonic clock.
    exceeded_since_us: Option<u64>,
    /// How long it was before that, in all.
    exceeded_us: u64,
}

impl EvictionState {
    /// Microseconds for which `maxmemory` was exceeded: now, and in all before.
    pub(crate) fn exceeded_us(&self, now_us: u64) -> (u64, u64) {
        let current = self.exceeded_since_us.map_or(0, |since| now_us.saturating_sub(since));
        (current, self.exceeded_us + current)
    }

    fn note_exceeded(&mut self, is_exceeded: bool, now_us: u64) {
        if is_exceeded {
            self.exceeded_since_us.get_or_insert(now_us);
        } else if let Some(since) = self.exceeded_since_us.take() {
            self.exceeded_us += now_us.saturating_sub(since);
        }
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset_statistics(&mut self) {
        self.exceeded_since_us = None;
        self.exceeded_us = 0;
    }
}

impl Server {
    /// Bytes that count towards `maxmemory`.
    pub(crate) fn counted_bytes(&self, caller: Option<&Client>) -> u64 {
        let clients = self.eviction.clients.counted;
        let clients = match caller {
            Some(client) => clients - client.accounted.counted + client.counted_bytes(),
            None => clients,
        };
        self.dataset_bytes() + clients + self.memory_at_start_bytes
    }

    /// Gives up keys if `maxmemory` is exceeded. `caller` is the client about to be served. Gives whether memory is used
    /// up with nothing left to give up.
    pub(crate) fn is_out_of_memory(&mut self, caller: Option<&mut Client>) -> bool {
        let limit_bytes = self.settings.max_memory_bytes;
        if limit_bytes == 0 || self.persistence.is_loading() || self.pause.is_on() {
            return false;
        }
        let excess_bytes = self.counted_bytes(caller.as_deref()).saturating_sub(limit_bytes);
        if excess_bytes == 0 {
            if self.eviction.exceeded_since_us.is_some() {
                self.end_eviction(EvictionResult::Done);
            }
            return false;
        }
        self.evict(excess_bytes, caller) == EvictionResult::NothingLeft
    }

    fn evict(&mut self, excess_bytes: u64, mut caller: Option<&mut Client>) -> EvictionResult {
        // The records would have nowhere to go; writers wait as well.
        if self.persistence.is_saturated() {
            return EvictionResult::TimedOut;
        }
        self.dataset.keyspace.set_write_mark(self.persistence.appended() + 1);
        let limit_us = eviction_limit_us(self.config.maxmemory_eviction_tenacity);
        let clock = &self.clock;
        let mut clock_us = || clock.read_monotonic_us();
        let now_ms = clock.now_ms();
        let effects = &mut self.effects;
        let result = self.dataset.evict(excess_bytes, limit_us, now_ms, &mut clock_us, effects);
        if !self.effects.is_empty() {
            self.persistence.append_separately(&self.effects);
            self.effects.clear();
        }
        // Told before the reply of the command under way, which will not see what went.
        self.follow_signals(caller.as_deref_mut());
        self.deliver(caller);
        self.end_eviction(result);
        result
    }

    fn end_eviction(&mut self, result: EvictionResult) {
        self.eviction.is_unfinished = result == EvictionResult::TimedOut;
        let is_exceeded = result != EvictionResult::Done;
        self.eviction.note_exceeded(is_exceeded, self.clock.read_monotonic_us());
    }

    /// `maxmemory` was changed: what is too much now has to go, whether or not anybody sends a command.
    pub(crate) fn follow_new_limit(&mut self) {
        let (used, limit) = (self.counted_bytes(None), self.settings.max_memory_bytes);
        if limit > 0 && used > limit {
            tracing::warn!(
                "WARNING: the new maxmemory value set via CONFIG SET ({limit}) is smaller than the current memory usage \
                 ({used}). This will result in key eviction and/or the inability to accept new write commands depending \
                 on the maxmemory-policy."
            );
            self.eviction.is_unfinished = true;
        }
    }

    /// Whether the loop has to turn again to go on giving up keys.
    pub(crate) fn has_keys_to_evict(&self) -> bool {
        self.eviction.is_unfinished && !self.persistence.is_saturated()
    }

    /// Goes on giving up keys where time ran out before.
    pub(crate) fn go_on_evicting(&mut self) {
        if self.has_keys_to_evict() {
            let _used_up = self.is_out_of_memory(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_beyond_the_limit_is_told_while_it_lasts_and_afterwards() {
        let mut state = EvictionState::default();
        state.note_exceeded(false, 5);
        state.note_exceeded(true, 10);
        state.note_exceeded(true, 20);
        assert_eq!(state.exceeded_us(25), (15, 15));
        state.note_exceeded(false, 30);
        assert_eq!(state.exceeded_us(99), (0, 20));
        state.note_exceeded(true, 100);
        assert_eq!(state.exceeded_us(101), (1, 21));
        state.reset_statistics();
        assert_eq!(state.exceeded_us(200), (0, 0));
    }
}
