//! Faults made on purpose, for the crash campaign to show that it finds them. Without the feature `mutants`, which no
//! server is built with, there are none.

/// A promise of the log that can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "mutants"), expect(unreachable_pub, reason = "public where it can be switched on"))]
pub enum Mutant {
    /// A frame closes its block whatever is in it.
    FrameUnchecked = 1,
    /// The old increment is not synced before the next one is listed.
    OldIncrementUnsynced = 2,
    /// A long frame declares durable what it has only just closed.
    MarkTooEarly = 3,
    /// A file that was torn is written on.
    TornFileContinued = 4,
    /// What was loaded is not made durable before the first reply.
    LoadedUnsynced = 5,
}

#[cfg(feature = "mutants")]
mod switch {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Mutant;

    static ON: AtomicU8 = AtomicU8::new(0);

    /// Breaks a promise in this whole process, or keeps all of them.
    pub fn set_mutant(mutant: Option<Mutant>) {
        ON.store(mutant.map_or(0, |mutant| mutant as u8), Ordering::Relaxed);
    }

    pub(crate) fn is_on(mutant: Mutant) -> bool {
        ON.load(Ordering::Relaxed) == mutant as u8
    }
}

#[cfg(feature = "mutants")]
pub use switch::set_mutant;

impl Mutant {
    /// Whether this promise is broken.
    #[inline]
    pub(crate) fn is_on(self) -> bool {
        #[cfg(feature = "mutants")]
        return switch::is_on(self);
        #[cfg(not(feature = "mutants"))]
        return false;
    }
}
