//! A position that one thread publishes and another waits for, with at most one wake-up per declared wait.

use crate::atomics::{AtomicU64, Ordering, fence};

/// No position is waited for.
const NONE: u64 = u64::MAX;

/// A never decreasing number with one publisher and one waiter.
///
/// The waiter declares the value it waits for and then looks once more; the publisher stores the new value and then
/// looks for a declaration. The two fences make it impossible that both look too early, so no wake-up is lost; and
/// without a declaration none is made, so a busy waiter costs the publisher no system call.
#[derive(Debug)]
pub(crate) struct Gate {
    value: AtomicU64,
    wanted: AtomicU64,
}

impl Gate {
    pub(crate) fn new(value: u64) -> Self {
        Self { value: AtomicU64::new(value), wanted: AtomicU64::new(NONE) }
    }

    pub(crate) fn value(&self) -> u64 {
        self.value.load(Ordering::Acquire)
    }

    /// Publishes `value`; says whether the waiter must be woken.
    ///
    /// # Panics
    ///
    /// When the value would decrease.
    #[must_use]
    pub(crate) fn publish(&self, value: u64) -> bool {
        let before = self.value.load(Ordering::Relaxed);
        assert!(value >= before, "a published position went back from {before} to {value}");
        if value == before {
            return false;
        }
        self.value.store(value, Ordering::Release);
        fence(Ordering::SeqCst);
        let wanted = self.wanted.load(Ordering::Relaxed);
        wanted != NONE
            && value >= wanted
            && self.wanted.compare_exchange(wanted, NONE, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Declares that the waiter sleeps until the value is at least `wanted`. `false`: it already is, do not sleep.
    pub(crate) fn want(&self, wanted: u64) -> bool {
        // A read-modify-write, so that declarations and the publisher's resets have one order.
        self.wanted.swap(wanted, Ordering::AcqRel);
        fence(Ordering::SeqCst);
        if self.value.load(Ordering::Acquire) >= wanted {
            self.cancel();
            return false;
        }
        true
    }

    /// Takes the declaration back.
    pub(crate) fn cancel(&self) {
        if self.wanted.load(Ordering::Relaxed) != NONE {
            self.wanted.swap(NONE, Ordering::AcqRel);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn wakes_only_a_declared_waiter_and_only_once() {
        let gate = Gate::new(0);
        assert!(!gate.publish(5));
        assert!(!gate.want(5));
        assert!(gate.want(8));
        assert!(!gate.publish(7));
        assert!(gate.publish(9));
        assert!(!gate.publish(10));
        assert!(gate.want(11));
        gate.cancel();
        assert!(!gate.publish(12));
        assert_eq!(gate.value(), 12);
    }

    #[test]
    #[should_panic(expected = "went back")]
    fn never_goes_back() {
        let gate = Gate::new(3);
        let _ = gate.publish(2);
    }
}

#[cfg(all(test, loom))]
mod model {
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicBool, Ordering};
    use loom::thread;

    use super::Gate;

    /// Whatever the interleaving: a waiter that went to sleep is woken.
    #[test]
    fn no_wake_up_is_lost() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(0));
            let woken = Arc::new(AtomicBool::new(false));
            let publisher = {
                let (gate, woken) = (Arc::clone(&gate), Arc::clone(&woken));
                thread::spawn(move || {
                    for value in [1, 2] {
                        if gate.publish(value) {
                            woken.store(true, Ordering::Release);
                        }
                    }
                })
            };
            let sleeps = gate.want(2);
            publisher.join().expect("publisher");
            assert!(!sleeps || woken.load(Ordering::Acquire), "asleep at 2 and never woken");
        });
    }

    /// A declaration that replaces a nearer one is served too.
    #[test]
    fn a_second_declaration_is_served() {
        loom::model(|| {
            let gate = Arc::new(Gate::new(0));
            let woken_at_2 = Arc::new(AtomicBool::new(false));
            let publisher = {
                let (gate, woken_at_2) = (Arc::clone(&gate), Arc::clone(&woken_at_2));
                thread::spawn(move || {
                    let _ = gate.publish(1);
                    if gate.publish(2) {
                        woken_at_2.store(true, Ordering::Release);
                    }
                })
            };
            let _ = gate.want(1);
            let sleeps = gate.want(2);
            publisher.join().expect("publisher");
            assert!(!sleeps || woken_at_2.load(Ordering::Acquire), "asleep at 2 and never woken");
        });
    }
}
