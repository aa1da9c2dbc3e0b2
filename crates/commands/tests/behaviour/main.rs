//! What commands reply, what they record for the log, and that both are what Redis does.

mod bit_commands;
mod executor;
mod hyperloglog_commands;
mod oracle;
mod script;

mod bit_replies_and_effects;
mod dependencies_bound_what_a_reply_reveals;
mod effects_replay_to_the_same_data;
mod eviction_follows_the_policy;
mod expiry_is_exact_and_logged;
mod function_replies_and_effects;
mod generic_replies_and_effects;
mod hash_fields_expire;
mod hash_replies_and_effects;
mod hashes_and_sets_are_those_of_redis;
mod hyperloglog_replies_and_effects;
mod introspection_matches_redis;
mod keyspace_events_are_those_of_redis;
mod list_replies_and_effects;
mod lists_are_those_of_redis;
mod same_as_redis;
mod set_replies_and_effects;
mod sort_is_that_of_redis;
mod sorted_set_replies_and_effects;
mod sorted_sets_are_those_of_redis;
mod stream_replies_and_effects;
mod streams_are_logged_as_by_redis;
mod streams_are_those_of_redis;
mod string_replies_and_effects;
