//! Progress on stderr: a bar on a terminal, a line a second elsewhere, [JSON lines](super::json) for programs.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use style_transfer::Step;

use super::{Begin, End, Watcher, Watchers, terminal_picture};
use crate::arguments::{ProgressKind, ShowingArguments};
use crate::failure::Result;
use crate::signals;
use crate::terminal::{above, duration, no_bar, say, steps};

/// Adds whoever the arguments ask for.
pub(super) fn add_to(watchers: &mut Watchers<'_>, arguments: &ShowingArguments) {
    let kind = match arguments.progress.unwrap_or_default() {
        ProgressKind::Auto if arguments.quiet => ProgressKind::None,
        ProgressKind::Auto if io::stderr().is_terminal() => ProgressKind::Bar,
        ProgressKind::Auto => ProgressKind::Plain,
        kind => kind,
    };
    match kind {
        ProgressKind::Bar => {
            let bar = Bar::new();
            // Before the bar, so that the last picture stands above what the bar says in the end.
            terminal_picture::add_to(watchers, arguments, &bar.bar);
            watchers.add(bar);
        }
        ProgressKind::Plain => watchers.add(Plain::default()),
        ProgressKind::Json => watchers.add(super::json::Json::default()),
        ProgressKind::Auto | ProgressKind::None => {}
    }
}

/// What is said when a run is done.
fn summary(end: &End<'_>) -> Option<String> {
    let End::Done(outcome) = end else { return None };
    let (metrics, times) = (outcome.metrics(), outcome.times());
    let mut line = format!("{} in {}", steps(outcome.steps()), duration(times.total()));
    if let Some(distance) = metrics.mean_style_distance() {
        let _ = write!(line, ", style distance {distance:.3}");
    }
    if let Some(distance) = metrics.mean_content_distance() {
        let _ = write!(line, ", content distance {distance:.3}");
    }
    if let Some(ssim) = metrics.ssim {
        let _ = write!(line, ", SSIM {ssim:.3}");
    }
    Some(line)
}

/// The bar, below everything else that is said.
struct Bar {
    bar: ProgressBar,
    /// Columns of the terminal that it was made for.
    columns: usize,
}

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        above(&bar);
        Self { bar, columns: 0 }
    }

    /// Makes it fit the terminal, which may have changed; the columns that its words have.
    fn fit(&mut self) -> usize {
        let columns = usize::from(Term::stderr().size().1);
        let length = (columns / 6).clamp(6, 24);
        if columns != self.columns {
            self.columns = columns;
            let template = format!("{{bar:{length}}} {{percent:>3}} %  {{msg}}");
            if let Ok(style) = ProgressStyle::with_template(&template) {
                self.bar.set_style(style);
            }
        }
        // The last column stays free: what is written there makes some terminals begin a line.
        columns.saturating_sub(length + " 100 %  ".len() + 1)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        no_bar();
    }
}

/// A step in so many columns.
fn words(step: &Step<'_>, columns: usize) -> String {
    let (width, height) = step.size;
    let scale = match step.scales {
        1 => String::new(),
        scales => format!(", scale {} of {scales}", step.scale),
    };
    fitting(
        [
            &format!("step {} of {}", step.index, step.steps),
            &scale,
            &format!(" ({width} x {height} px)"),
            &format!(", loss {:.4}", step.losses.total()),
            &format!(", {} left", duration(step.remaining().as_secs_f64())),
        ],
        columns,
    )
}

/// As much as fits; what says least is left out first.
fn fitting([step, scale, size, loss, left]: [&str; 5], columns: usize) -> String {
    [[step, scale, size, loss, left], [step, scale, "", loss, left], [step, "", "", loss, left]]
        .map(|parts| parts.concat())
        .into_iter()
        .find(|words| words.len() <= columns)
        .unwrap_or_else(|| [step, left].concat())
}

/// The bar goes by work, as steps at a large scale take longer: so many parts.
const PARTS: f64 = 10_000.0;

impl Watcher for Bar {
    fn begin(&mut self, begin: &Begin<'_>) -> Result<()> {
        self.fit();
        self.bar.set_length(PARTS as u64);
        self.bar.set_message(format!("step {} of {}", begin.done, begin.plan.steps()));
        Ok(())
    }

    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        let columns = self.fit();
        self.bar.set_message(words(step, columns));
        self.bar.set_position((step.done * PARTS) as u64);
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, end: &End<'_>) -> Result<()> {
        no_bar();
        match summary(end) {
            Some(line) => {
                self.bar.finish_and_clear();
                say(line);
            }
            // What the keyboard's Ctrl-C leaves on the bar's line keeps the bar there.
            None if signals::came().is_some() => self.bar.finish_and_clear(),
            None => self.bar.abandon(),
        }
        Ok(())
    }
}

/// Lines, one a second and one at every scale at most.
#[derive(Default)]
struct Plain {
    said: Option<Instant>,
    scale: usize,
}

impl Watcher for Plain {
    fn step(&mut self, step: &Step<'_>) -> Result<ControlFlow<()>> {
        let due = self.said.is_none_or(|said| said.elapsed() >= Duration::from_secs(1));
        if due || step.scale != self.scale {
            say(step);
            (self.said, self.scale) = (Some(Instant::now()), step.scale);
        }
        Ok(ControlFlow::Continue(()))
    }

    fn end(&mut self, end: &End<'_>) -> Result<()> {
        if let Some(line) = summary(end) {
            say(line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_fewer_words_and_no_cut_ones() {
        let parts = ["step 1 of 100", ", scale 1 of 3", " (160 x 107 px)", ", loss 0.1234", ", 14 s left"];
        let all = parts.concat();
        assert_eq!(fitting(parts, all.len()), all);
        assert_eq!(fitting(parts, all.len() - 1), "step 1 of 100, scale 1 of 3, loss 0.1234, 14 s left");
        assert_eq!(fitting(parts, 40), "step 1 of 100, loss 0.1234, 14 s left");
        assert_eq!(fitting(parts, 30), "step 1 of 100, 14 s left");
    }
}
