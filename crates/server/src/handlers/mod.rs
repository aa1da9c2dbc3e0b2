//! The commands that the server itself executes, one file per family.

mod backup;
pub(crate) mod client;
mod config;
mod connection;
mod debug;
mod latency;
mod lolwut;
mod memory;
mod migrate;
mod monitor;
mod persistence;
mod pubsub;
mod slowlog;
mod status;
mod texts;

pub(crate) use migrate::{MigrateConnections, is_secret_of_migrate};
pub(crate) use persistence::{WAITAOF_WITHOUT_LOG, reply_lines};
pub(crate) use pubsub::answers_with_pushes;

use lastsave_commands::ServerCommand;
use lastsave_resp::Request;

use crate::client::Client;
use crate::dispatch::Scope;
use crate::server::Server;

impl Server {
    /// Executes a command of the server; gives the log position that its reply depends on.
    pub(crate) fn run_server(
        &mut self,
        client: &mut Client,
        command: ServerCommand,
        request: Request<'_>,
        scope: Scope,
    ) -> u64 {
        use ServerCommand as Command;
        match command {
            Command::Exec => return self.exec(client),
            Command::Debug => return self.debug(client, request, scope),
            Command::Info => {
                self.info(client, request);
                // What is the matter with the log must be told even if the log never recovers.
                if self.persistence.is_log_failing() {
                    return 0;
                }
            }
            Command::MemoryDoctor
            | Command::MemoryMallocStats
            | Command::MemoryPurge
            | Command::MemoryStats => self.memory(client, command),
            Command::Migrate => return self.migrate(client, request, scope),
            Command::Save => self.save(client),
            Command::Shutdown => self.shutdown(client, request),
            Command::Wait => self.wait(client, request),
            Command::WaitAof => self.waitaof(client, request),
            other => {
                self.run_session(client, other, request);
                return 0;
            }
        }
        // What they tell may depend on any write so far.
        self.persistence.appended()
    }

    /// Executes a command about the client or the server, whose reply tells nothing about data.
    fn run_session(&mut self, client: &mut Client, command: ServerCommand, request: Request<'_>) {
        use ServerCommand as Command;
        match command {
            Command::Auth => self.auth(client, request),
            Command::BackupCreate | Command::BackupDelete | Command::BackupList => {
                self.backup(client, command, request);
            }
            Command::BackgroundRewriteAof => self.bgrewriteaof(client),
            Command::BackgroundSave => self.bgsave(client, request),
            Command::ClientCaching => Self::client_caching(client, request),
            Command::ClientGetName => Self::client_getname(client),
            Command::ClientGetRedir => Self::client_getredir(client),
            Command::ClientId => Self::client_id(client),
            Command::ClientInfo => self.client_info(client, request),
            Command::ClientKill => self.client_kill(client, request),
            Command::ClientList => self.client_list(client, request),
            Command::ClientNoEvict => Self::client_no_evict(client, request),
            Command::ClientDurability => self.client_durability(client, request),
            Command::ClientNoTouch => Self::client_no_touch(client, request),
            Command::ClientPause => self.client_pause(client, request),
            Command::ClientReply => Self::client_reply(client, request),
            Command::ClientSetInfo => Self::client_setinfo(client, request),
            Command::ClientSetName => Self::client_setname(client, request),
            Command::ClientTracking => self.client_tracking(client, request),
            Command::ClientTrackingInfo => Self::client_trackinginfo(client),
            Command::ClientUnblock => self.client_unblock(client, request),
            Command::ClientUnpause => self.client_unpause(client),
            Command::ConfigGet => self.config_get(client, request),
            Command::ConfigResetStat => self.config_resetstat(client),
            Command::ConfigRewrite => self.config_rewrite(client),
            Command::ConfigSet => self.config_set(client, request),
            Command::Discard => self.discard(client),
            Command::Echo => client.reply.bulk(request.arg(1)),
            Command::Hello => self.hello(client, request),
            Command::LastSave => self.lastsave(client),
            Command::LatencyDoctor
            | Command::LatencyGraph
            | Command::LatencyHistogram
            | Command::LatencyHistory
            | Command::LatencyLatest
            | Command::LatencyReset => self.latency(client, command, request),
            Command::LolWut => self.lolwut(client, request),
            Command::Monitor => self.monitor(client),
            Command::Multi => Self::multi(client),
            Command::Ping => Self::ping(client, request),
            Command::PSubscribe
            | Command::PUnsubscribe
            | Command::PubSubChannels
            | Command::PubSubNumPat
            | Command::PubSubNumSub
            | Command::PubSubShardChannels
            | Command::PubSubShardNumSub
            | Command::Publish
            | Command::ShardPublish
            | Command::ShardSubscribe
            | Command::ShardUnsubscribe
            | Command::Subscribe
            | Command::Unsubscribe => self.pubsub(client, command, request),
            Command::Quit => Self::quit(client),
            Command::Reset => self.reset_client(client),
            Command::Role => Self::role(client),
            Command::Select => self.select(client, request),
            Command::SlowLogGet => self.slowlog_get(client, request),
            Command::SlowLogLen => self.slowlog_len(client),
            Command::SlowLogReset => self.slowlog_reset(client),
            Command::Time => self.time(client),
            Command::Unwatch => self.unwatch(client),
            Command::Watch => self.watch(client, request),
            Command::Debug
            | Command::Exec
            | Command::Info
            | Command::MemoryDoctor
            | Command::MemoryMallocStats
            | Command::MemoryPurge
            | Command::MemoryStats
            | Command::Migrate
            | Command::Save
            | Command::Shutdown
            | Command::Wait
            | Command::WaitAof => unreachable!("served by run_server"),
        }
    }
}
