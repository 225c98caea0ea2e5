//! What is said on standard error while something is prepared: a bar on a terminal, plain lines elsewhere, in the style of cargo's own.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub(crate) struct Progress {
    what: String,
    /// Not shown if standard error is no terminal.
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// Says that `what` is being prepared.
    pub(crate) fn start(what: &str) -> Self {
        let bar = if io::stderr().is_terminal() {
            // The number of steps is told later.
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        } else {
            say("Preparing", what);
            ProgressBar::hidden()
        };
        bar.set_prefix(what.to_owned());
        Self {
            what: what.to_owned(),
            bar,
            started: Instant::now(),
        }
    }

    /// How many steps there will be.
    pub(crate) fn expect(&self, steps: usize) {
        // The template is a constant: if it were bad, indicatif's own would do.
        if let Ok(style) =
            ProgressStyle::with_template("   Preparing {prefix} [{bar:25}] {pos}/{len}: {msg}")
        {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.set_length(steps.try_into().unwrap_or(u64::MAX));
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    /// One step is done: `name`.
    pub(crate) fn step(&self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.bar.inc(1);
    }

    pub(crate) fn done(self) {
        self.bar.finish_and_clear();
        let seconds = self.started.elapsed().as_secs_f64();
        say("Prepared", &format!("{} in {seconds:.1}s", self.what));
    }
}

/// One line in cargo's style.
pub(crate) fn say(verb: &str, what: &str) {
    // Standard error may be closed: then nobody is told.
    let _ = writeln!(io::stderr(), "{verb:>12} {what}");
}
