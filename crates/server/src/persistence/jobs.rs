//! Running snapshot jobs away from the executor, and learning how they ended.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::snapshot_file::{SnapshotError, SnapshotJob, SnapshotWritten};

/// Wakes the executor; callable from any thread.
pub(crate) type WakeExecutor = Arc<dyn Fn() + Send + Sync>;

/// Where jobs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JobMode {
    /// Each on a thread of its own, as in a server.
    Threads,
    /// When [`Jobs::run_queued`] says so: a simulation decides what happens when.
    Queued,
}

/// What runs beside everything else, and whose end nobody waits for.
type Aside = Box<dyn FnOnce() + Send>;

/// Names a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobId(u64);

/// How a job ended.
#[derive(Debug)]
pub(crate) struct JobDone {
    pub(crate) id: JobId,
    pub(crate) result: Result<SnapshotWritten, SnapshotError>,
}

/// Starts jobs and collects their results.
pub(crate) struct Jobs {
    mode: JobMode,
    wake: WakeExecutor,
    sender: Sender<JobDone>,
    receiver: Receiver<JobDone>,
    queued: VecDeque<(JobId, SnapshotJob)>,
    queued_asides: Vec<Aside>,
    next_id: u64,
}

impl std::fmt::Debug for Jobs {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Jobs")
            .field("mode", &self.mode)
            .field("queued", &self.queued.len())
            .field("queued_asides", &self.queued_asides.len())
            .finish_non_exhaustive()
    }
}

impl Jobs {
    pub(crate) fn new(mode: JobMode, wake: WakeExecutor) -> Self {
        let (sender, receiver) = unbounded();
        Self { mode, wake, sender, receiver, queued: VecDeque::new(), queued_asides: Vec::new(), next_id: 1 }
    }

    /// What wakes the executor.
    pub(crate) fn waker(&self) -> WakeExecutor {
        Arc::clone(&self.wake)
    }

    /// Starts a job.
    ///
    /// # Errors
    /// The system's words when no thread can be started.
    pub(crate) fn start(&mut self, job: SnapshotJob) -> Result<JobId, String> {
        let id = JobId(self.next_id);
        self.next_id += 1;
        match self.mode {
            JobMode::Queued => self.queued.push_back((id, job)),
            JobMode::Threads => {
                let (sender, wake) = (self.sender.clone(), Arc::clone(&self.wake));
                std::thread::Builder::new()
                    .name("snapshot".to_owned())
                    .spawn(move || {
                        // If the job panics, the guard reports that; the executor must not wait for it forever.
                        let report = Report { id, sender, wake, result: None };
                        let result = job.run();
                        report.finish(result);
                    })
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(id)
    }

    /// Does something that may take long and whose end nobody waits for.
    pub(crate) fn run_aside(&mut self, task: Aside) {
        match self.mode {
            JobMode::Queued => self.queued_asides.push(task),
            JobMode::Threads => {
                let spawned = std::thread::Builder::new().name("housekeeping".to_owned()).spawn(task);
                if let Err(error) = spawned {
                    tracing::warn!("Can't start a thread for housekeeping: {error}");
                }
            }
        }
    }

    /// Runs one of the tasks that are queued, on this thread: as threads do, in any order, which `choice` decides. Gives
    /// whether there was one.
    pub(crate) fn run_queued_aside(&mut self, choice: usize) -> bool {
        if self.queued_asides.is_empty() {
            return false;
        }
        let task = self.queued_asides.remove(choice % self.queued_asides.len());
        task();
        true
    }

    /// The result of a job that has ended since the last call.
    pub(crate) fn next_done(&self) -> Option<JobDone> {
        self.receiver.try_recv().ok()
    }

    /// Runs what is queued, on this thread. Gives whether there was anything.
    pub(crate) fn run_queued(&mut self) -> bool {
        let Some((id, job)) = self.queued.pop_front() else { return false };
        let result = job.run();
        Report { id, sender: self.sender.clone(), wake: Arc::clone(&self.wake), result: None }.finish(result);
        true
    }
}

struct Report {
    id: JobId,
    sender: Sender<JobDone>,
    wake: WakeExecutor,
    result: Option<Result<SnapshotWritten, SnapshotError>>,
}

impl Report {
    fn finish(mut self, result: Result<SnapshotWritten, SnapshotError>) {
        self.result = Some(result);
    }
}

impl Drop for Report {
    fn drop(&mut self) {
        let result = self
            .result
            .take()
            .unwrap_or_else(|| Err(SnapshotError::Verification("the snapshot thread panicked".to_owned())));
        // The executor is gone only when the process ends.
        let _unheard = self.sender.send(JobDone { id: self.id, result });
        (self.wake)();
    }
}
