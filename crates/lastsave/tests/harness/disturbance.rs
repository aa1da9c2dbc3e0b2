//! What else goes on in a server while connections write.

use super::Client;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disturbance {
    Nothing,
    Rewrites,
    Saves,
    RewritesAndSaves,
    /// `appendfsync` changes all the time.
    Policies,
}

impl Disturbance {
    pub(crate) const ALL: [Self; 5] =
        [Self::Nothing, Self::Rewrites, Self::RewritesAndSaves, Self::Saves, Self::Policies];

    /// The command of one step of it.
    pub(crate) fn command(self, step: usize) -> &'static str {
        let even = step.is_multiple_of(2);
        match self {
            Self::Nothing => "PING",
            Self::Rewrites => "BGREWRITEAOF",
            Self::Saves => "BGSAVE",
            Self::RewritesAndSaves if even => "BGREWRITEAOF",
            Self::RewritesAndSaves => "BGSAVE SCHEDULE",
            Self::Policies => ["CONFIG SET appendfsync always", "CONFIG SET appendfsync everysec"][step % 2],
        }
    }

    /// One step of it.
    pub(crate) fn step(self, client: &mut Client, step: usize) {
        // One that is still running is no mistake.
        let _answer = client.run(self.command(step));
    }
}
