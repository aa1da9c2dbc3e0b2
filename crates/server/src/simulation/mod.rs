//! The deterministic crash campaign: the whole of persistence on a simulated disk, crashed at any operation.
//!
//! A seed is a history of several lives of one server. Each life starts on what the last one left, must start, and must
//! find a state that its clients were promised; then it works, amid disks that fill up, fail and dawdle, until the power
//! goes or the process is killed. Executor, log, snapshot jobs and recovery are the very code of the server; sockets and
//! threads are replaced by calls. The same seed gives the same history, operation for operation.
//!
//! Not part of the crate's interface: this is the door for the example `crash_campaign` and for tests.
//!
//! | file | role |
//! |---|---|
//! | `campaign` | seeds and lives: start, work, crash |
//! | `starts` | starting a server, and comparing what it found |
//! | `probe`, `damage` | copies of a machine, crashed and damaged |
//! | `report` | what is told |
//! | `exhaustive` | every crash point of every short history |
//! | `life` | the turns of one life |
//! | `machine` | a server without sockets |
//! | `pace` | how time passes, and how long syncs take |
//! | `workload`, `settings` | what clients and operators ask for |
//! | `weather` | what goes wrong without a crash |
//! | `backups` | which backups were made, and what must be there of them |
//! | `model`, `content` | the state after every unit |
//! | `promise` | what must be found after a crash |
//! | `mutants` | promises broken on purpose, with the feature of that name |
//! | `coverage` | what was hit |
//! | `log_lines` | the server's log lines, for reports |

mod backups;
mod campaign;
mod content;
mod coverage;
mod damage;
mod exhaustive;
mod life;
mod log_lines;
mod machine;
mod model;
#[cfg(feature = "mutants")]
mod mutants;
mod pace;
mod probe;
mod promise;
mod report;
mod settings;
mod starts;
mod weather;
mod workload;

pub use campaign::run_seed;
pub use coverage::Coverage;
pub use exhaustive::exhaust;
#[cfg(feature = "mutants")]
pub use mutants::Mutant;
pub use report::{SeedReport, Violation};
