//! Standard output, and the questions asked there.

use std::io::{self, BufRead as _, Write as _};

use lastsave_aof::CheckConsole;

/// Where a tool prints.
#[derive(Debug)]
pub(crate) struct Terminal {
    /// The answer to every question, when it was given beforehand.
    answers_yes: bool,
    /// Lines are not printed: what is said is said as JSON at the end.
    is_quiet: bool,
    /// Bars are to be hidden while something is printed.
    progress: Option<indicatif::ProgressBar>,
}

impl Terminal {
    pub(crate) fn new(answers_yes: bool, is_quiet: bool) -> Self {
        Self { answers_yes, is_quiet, progress: None }
    }

    /// Prints around this bar.
    pub(crate) fn with_progress(self, progress: indicatif::ProgressBar) -> Self {
        Self { progress: Some(progress), ..self }
    }

    /// Prints bytes and a line end, unless the terminal is quiet.
    pub(crate) fn bytes(&self, text: &[u8]) {
        if !self.is_quiet {
            self.around_progress(|| print(text));
        }
    }

    /// Prints a line, unless the terminal is quiet.
    pub(crate) fn text(&self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Prints a line even when the terminal is quiet.
    pub(crate) fn result(&self, text: &str) {
        self.around_progress(|| print(text.as_bytes()));
    }

    /// Asks a question. Anything but a `y` is no.
    pub(crate) fn ask(&self, prompt: &str) -> bool {
        self.around_progress(|| {
            if self.is_quiet {
                // Standard output holds nothing but JSON.
                eprint!("{prompt}");
            } else {
                let mut output = io::stdout().lock();
                // A terminal that is gone cannot be asked, and its answer will be no.
                let _ = output.write_all(prompt.as_bytes()).and_then(|()| output.flush());
            }
            if self.answers_yes {
                self.bytes(b"y");
                return true;
            }
            let mut answer = String::new();
            let is_answered = io::stdin().lock().read_line(&mut answer).is_ok();
            is_answered && answer.starts_with(['y', 'Y'])
        })
    }

    fn around_progress<T>(&self, action: impl FnOnce() -> T) -> T {
        match &self.progress {
            Some(progress) => progress.suspend(action),
            None => action(),
        }
    }
}

/// Whoever reads us may have gone away; the exit code still tells.
fn print(text: &[u8]) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(text).and_then(|()| output.write_all(b"\n"));
}

/// Prints nothing.
pub(crate) struct Silent;

impl CheckConsole for Silent {
    fn line(&mut self, _text: &str) {}

    fn rdb_line(&mut self, _text: &[u8]) {}

    fn confirm(&mut self, _prompt: &str) -> bool {
        false
    }
}

impl CheckConsole for Terminal {
    fn line(&mut self, text: &str) {
        self.text(text);
    }

    fn rdb_line(&mut self, text: &[u8]) {
        self.bytes(text);
    }

    fn confirm(&mut self, prompt: &str) -> bool {
        self.ask(prompt)
    }
}
