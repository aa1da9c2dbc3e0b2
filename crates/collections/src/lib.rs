//! Big collections that are copied on write.
