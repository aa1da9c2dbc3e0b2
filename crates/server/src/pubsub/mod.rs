//! Publish and subscribe: who listens to what, and messages on their way to them.
//!
//! What is published while a command runs is collected in the [`Outbox`] and delivered behind the command (behind the
//! whole of a transaction), once its effects have their place in the log: a message waits in its receiver's gate for
//! everything executed so far, so that it never tells of a write that could still be lost.

mod events;
mod message;
mod outbox;
mod registry;

pub(crate) use events::event_classes;
pub(crate) use message::Message;
pub(crate) use outbox::Outbox;
pub(crate) use registry::{PubSub, Topic};
