//! SUBSCRIBE, PUBLISH, PUBSUB and their relatives for patterns and shards.

use lastsave_resp::Request;

use crate::context::Context;
use crate::reply::reply_help;
use crate::spec::{Argument, CommandSpec, Flags, Group, Handler, KeyFlags, KeySpec, ServerCommand};

pub(crate) const COMMANDS: &[CommandSpec] =
    &[SUBSCRIBE, UNSUBSCRIBE, PSUBSCRIBE, PUNSUBSCRIBE, PUBLISH, SSUBSCRIBE, SUNSUBSCRIBE, SPUBLISH, PUBSUB];

const SUBSCRIBE: CommandSpec = CommandSpec {
    summary: "Listens for messages published to channels.",
    complexity: "O(N) where N is the number of channels to subscribe to.",
    since: "2.0.0",
    arity: -2,
    flags: Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    arguments: &[Argument::string("channel").multiple()],
    ..CommandSpec::new("subscribe", Group::PubSub, Handler::Server(ServerCommand::Subscribe))
};

const UNSUBSCRIBE: CommandSpec = CommandSpec {
    summary: "Stops listening to messages posted to channels.",
    complexity: "O(N) where N is the number of channels to unsubscribe.",
    since: "2.0.0",
    arity: -1,
    flags: Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    arguments: &[Argument::string("channel").optional().multiple()],
    ..CommandSpec::new("unsubscribe", Group::PubSub, Handler::Server(ServerCommand::Unsubscribe))
};

const PSUBSCRIBE: CommandSpec = CommandSpec {
    summary: "Listens for messages published to channels that match one or more patterns.",
    complexity: "O(N) where N is the number of patterns to subscribe to.",
    since: "2.0.0",
    arity: -2,
    flags: Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    arguments: &[Argument::pattern("pattern").multiple()],
    ..CommandSpec::new("psubscribe", Group::PubSub, Handler::Server(ServerCommand::PSubscribe))
};

const PUNSUBSCRIBE: CommandSpec = CommandSpec {
    summary: "Stops listening to messages published to channels that match one or more patterns.",
    complexity: "O(N) where N is the number of patterns to unsubscribe.",
    since: "2.0.0",
    arity: -1,
    flags: Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    arguments: &[Argument::pattern("pattern").optional().multiple()],
    ..CommandSpec::new("punsubscribe", Group::PubSub, Handler::Server(ServerCommand::PUnsubscribe))
};

const PUBLISH: CommandSpec = CommandSpec {
    summary: "Posts a message to a channel.",
    complexity: "O(N+M) where N is the number of clients subscribed to the receiving channel and M \
         is the total number of subscribed patterns (by any client).",
    since: "2.0.0",
    arity: 3,
    flags: Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::MAY_REPLICATE),
    arguments: &[Argument::string("channel"), Argument::string("message")],
    ..CommandSpec::new("publish", Group::PubSub, Handler::Server(ServerCommand::Publish))
};

const SSUBSCRIBE: CommandSpec = CommandSpec {
    summary: "Listens for messages published to shard channels.",
    complexity: "O(N) where N is the number of shard channels to subscribe to.",
    since: "7.0.0",
    arity: -2,
    flags: Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)],
    arguments: &[Argument::string("shardchannel").multiple()],
    ..CommandSpec::new("ssubscribe", Group::PubSub, Handler::Server(ServerCommand::ShardSubscribe))
};

const SUNSUBSCRIBE: CommandSpec = CommandSpec {
    summary: "Stops listening to messages posted to shard channels.",
    complexity: "O(N) where N is the number of shard channels to unsubscribe.",
    since: "7.0.0",
    arity: -1,
    flags: Flags::PUBSUB.and(Flags::NOSCRIPT).and(Flags::LOADING).and(Flags::STALE),
    key_specs: &[KeySpec::range(1, -1, 1, KeyFlags::NOT_KEY)],
    arguments: &[Argument::string("shardchannel").optional().multiple()],
    ..CommandSpec::new("sunsubscribe", Group::PubSub, Handler::Server(ServerCommand::ShardUnsubscribe))
};

const SPUBLISH: CommandSpec = CommandSpec {
    summary: "Post a message to a shard channel",
    complexity: "O(N) where N is the number of clients subscribed to the receiving shard channel.",
    since: "7.0.0",
    arity: 3,
    flags: Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE).and(Flags::FAST).and(Flags::MAY_REPLICATE),
    key_specs: &[KeySpec::first(KeyFlags::NOT_KEY)],
    arguments: &[Argument::string("shardchannel"), Argument::string("message")],
    ..CommandSpec::new("spublish", Group::PubSub, Handler::Server(ServerCommand::ShardPublish))
};

const PUBSUB: CommandSpec = CommandSpec {
    summary: "A container for Pub/Sub commands.",
    complexity: "Depends on subcommand.",
    since: "2.8.0",
    arity: -2,
    subcommands: SUBCOMMANDS,
    help: HELP_LINES,
    ..CommandSpec::new("pubsub", Group::PubSub, Handler::Container)
};

const HELP_LINES: &[&str] = &[
    "CHANNELS [<pattern>]",
    "    Return the currently active channels matching a <pattern> (default: '*').",
    "NUMPAT",
    "    Return number of subscriptions to patterns.",
    "NUMSUB [<channel> ...]",
    "    Return the number of subscribers for the specified channels, excluding",
    "    pattern subscriptions(default: no channels).",
    "SHARDCHANNELS [<pattern>]",
    "    Return the currently active shard level channels matching a <pattern> (default: '*').",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Return the number of subscribers for the specified shard level channel(s)",
];

const SUBCOMMANDS: &[CommandSpec] =
    &[PUBSUB_CHANNELS, PUBSUB_HELP, PUBSUB_NUMPAT, PUBSUB_NUMSUB, PUBSUB_SHARDCHANNELS, PUBSUB_SHARDNUMSUB];

const PUBSUB_CHANNELS: CommandSpec = CommandSpec {
    summary: "Returns the active channels.",
    complexity: "O(N) where N is the number of active channels, and assuming constant time pattern \
         matching (relatively short channels and patterns)",
    since: "2.8.0",
    arity: -2,
    flags: Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE),
    arguments: &[Argument::pattern("pattern").optional()],
    ..CommandSpec::new("pubsub|channels", Group::PubSub, Handler::Server(ServerCommand::PubSubChannels))
};

const PUBSUB_HELP: CommandSpec = CommandSpec {
    summary: "Returns helpful text about the different subcommands.",
    complexity: "O(1)",
    since: "6.2.0",
    arity: 2,
    flags: Flags::LOADING.and(Flags::STALE),
    ..CommandSpec::new("pubsub|help", Group::PubSub, Handler::Data(help))
};

fn help(context: &mut Context<'_>, _request: Request<'_>) {
    reply_help(context.reply, PUBSUB.name, PUBSUB.help);
}

const PUBSUB_NUMPAT: CommandSpec = CommandSpec {
    summary: "Returns a count of unique pattern subscriptions.",
    complexity: "O(1)",
    since: "2.8.0",
    arity: 2,
    flags: Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE),
    ..CommandSpec::new("pubsub|numpat", Group::PubSub, Handler::Server(ServerCommand::PubSubNumPat))
};

const PUBSUB_NUMSUB: CommandSpec = CommandSpec {
    summary: "Returns a count of subscribers to channels.",
    complexity: "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
    since: "2.8.0",
    arity: -2,
    flags: Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE),
    arguments: &[Argument::string("channel").optional().multiple()],
    ..CommandSpec::new("pubsub|numsub", Group::PubSub, Handler::Server(ServerCommand::PubSubNumSub))
};

const PUBSUB_SHARDCHANNELS: CommandSpec = CommandSpec {
    summary: "Returns the active shard channels.",
    complexity: "O(N) where N is the number of active shard channels, and assuming constant time \
         pattern matching (relatively short shard channels).",
    since: "7.0.0",
    arity: -2,
    flags: Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE),
    arguments: &[Argument::pattern("pattern").optional()],
    ..CommandSpec::new(
        "pubsub|shardchannels",
        Group::PubSub,
        Handler::Server(ServerCommand::PubSubShardChannels),
    )
};

const PUBSUB_SHARDNUMSUB: CommandSpec = CommandSpec {
    summary: "Returns the count of subscribers of shard channels.",
    complexity: "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard \
         channels",
    since: "7.0.0",
    arity: -2,
    flags: Flags::PUBSUB.and(Flags::LOADING).and(Flags::STALE),
    arguments: &[Argument::string("shardchannel").optional().multiple()],
    ..CommandSpec::new("pubsub|shardnumsub", Group::PubSub, Handler::Server(ServerCommand::PubSubShardNumSub))
};
