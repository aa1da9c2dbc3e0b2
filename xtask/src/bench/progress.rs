//! How far a run is: a bar on a terminal, lines in a log.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

pub(super) struct Progress {
    /// `None` when standard error is no terminal.
    bar: Option<ProgressBar>,
    total: usize,
    done: std::cell::Cell<usize>,
}

impl Progress {
    /// For so many steps.
    pub(super) fn new(total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total as u64);
            bar.enable_steady_tick(std::time::Duration::from_millis(200));
            match ProgressStyle::with_template("{elapsed_precise} [{bar:30}] {pos}/{len} {wide_msg}") {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            }
        });
        Self { bar, total, done: std::cell::Cell::new(0) }
    }

    /// Says what is done now. The first call begins the first step; each further one ends the step before.
    pub(super) fn step(&self, what: &str) {
        let done = self.done.get();
        self.done.set(done + 1);
        match &self.bar {
            Some(bar) => {
                bar.set_position(done as u64);
                bar.set_message(what.to_owned());
            }
            None => println!("{}/{} {what}", done + 1, self.total),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
