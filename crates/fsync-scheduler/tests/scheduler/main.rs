//! The scheduler's promises, one module each, over a log in memory with scripted faults.

#![cfg(not(loom))]

mod a_new_increment_stands_alone;
mod failures_lose_nothing;
mod nobody_waits_for_a_broken_disk;
mod random_schedules_keep_all_promises;
mod replies_wait_as_promised;
mod stepped_without_threads;
mod support;
mod switches_are_exact;
mod threads_hand_over_in_order;
