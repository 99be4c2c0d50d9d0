//! SIGINT, SIGTERM, and SIGHUP of a terminal that is closed. While there is nothing to save yet, the first ends the program at once; later it ends the run after
//! its step, and the second ends the program at once.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use signal_hook::consts::SIGINT;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGTERM};
use style_transfer::CancelToken;

use crate::failure::{Exit, Failure, Result};

/// The first signal that came; 0 for none.
static CAME: AtomicI32 = AtomicI32::new(0);

const BEFORE: &str = "interrupted before the first step; nothing was written";

static STATE: Mutex<State> = Mutex::new(State { phase: Phase::Nothing, scraps: Vec::new() });

#[cfg_attr(not(unix), allow(dead_code))] // nobody listens there
struct State {
    phase: Phase,
    /// Files that are of no use without this process.
    scraps: Vec<PathBuf>,
}

/// What the first signal finds.
#[cfg_attr(not(unix), allow(dead_code))]
enum Phase {
    /// No step has been made.
    Nothing,
    /// A step has been made: there is a picture to save.
    Working,
    /// Of many pictures, none is in the making.
    Between(Rest),
}

/// What a signal says between two of many pictures.
#[cfg_attr(not(unix), allow(dead_code))] // nobody listens there
pub(crate) struct Rest {
    /// What became of the pictures so far; nobody is told who asked for quiet.
    pub(crate) lines: Option<String>,
    pub(crate) end: Failure,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to listen; the token is cancelled by the first signal of a run that has come to its first step.
#[cfg(unix)]
pub(crate) fn listen() -> Result<CancelToken> {
    use signal_hook::iterator::Signals;
    let token = CancelToken::new();
    let cannot =
        |error: std::io::Error| Failure::new(Exit::Internal, format!("cannot listen to signals: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(cannot)?;
    if !stays_when_the_terminal_goes() {
        signals.add_signal(SIGHUP).map_err(cannot)?;
    }
    let for_thread = token.clone();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in &mut signals {
                // Held to the end, so that no run comes to its first step while it is thrown away.
                let state = state();
                let first = CAME.swap(signal, Ordering::SeqCst) == 0;
                match state.phase {
                    Phase::Working if first => for_thread.cancel(),
                    _ => leave(&state),
                }
            }
        })
        .map_err(cannot)?;
    Ok(token)
}

/// Whether the program was started to outlive its terminal, as `nohup` does; or nobody knows.
#[cfg(unix)]
fn stays_when_the_terminal_goes() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_none_or(|mask| mask >> (SIGHUP - 1) & 1 == 1)
}

/// Ends the program.
#[cfg(unix)]
fn leave(state: &State) {
    use crate::terminal;

    for scrap in &state.scraps {
        let _ = std::fs::remove_file(scrap);
    }
    let exit = came().unwrap_or(Exit::Interrupted);
    let failure = match &state.phase {
        Phase::Nothing => Failure::new(exit, BEFORE),
        Phase::Between(Rest { lines, end }) => {
            lines.iter().for_each(terminal::say);
            Failure { exit, ..end.clone() }
        }
        Phase::Working => Failure::new(exit, "ended at once by a second signal"),
    };
    terminal::leave(&failure);
    signal_hook::low_level::exit(exit as i32);
}

/// Without signals of Unix, Ctrl-C ends the program at once.
#[cfg(not(unix))]
pub(crate) fn listen() -> Result<CancelToken> {
    Ok(CancelToken::new())
}

/// From now on there is something to save.
pub(crate) fn work() {
    state().phase = Phase::Working;
}

/// The next of many pictures has not been begun.
pub(crate) fn rest(rest: Rest) {
    let mut state = state();
    // One that came at the end of the last picture ends the program in its own way.
    if came().is_none() {
        state.phase = Phase::Between(rest);
    }
}

/// A file that is to go when a signal ends the program, as long as this lives.
#[derive(Debug)]
pub(crate) struct Scrap(PathBuf);

impl Scrap {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        state().scraps.push(path.clone());
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        let scraps = &mut state().scraps;
        if let Some(at) = scraps.iter().position(|scrap| *scrap == self.0) {
            scraps.swap_remove(at);
        }
    }
}

/// A file that grows over the system's limit (`ulimit -f`) is a write that fails, as on a full disk, and no signal that
/// ends the program. Where that cannot be had, the signal stays what it is.
pub(crate) fn take_limits_as_errors() {
    #[cfg(unix)]
    {
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;
        // A signal that is handled is not deadly; nobody looks at the flag.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
    }
}

/// How the program ends because of the signal that came, if one did.
pub(crate) fn came() -> Option<Exit> {
    match CAME.load(Ordering::SeqCst) {
        0 => None,
        SIGINT => Some(Exit::Interrupted),
        _ => Some(Exit::Terminated),
    }
}

/// The end of a run that a signal ended before it began.
pub(crate) fn check() -> Result<()> {
    match came() {
        Some(exit) => Err(Failure::new(exit, BEFORE)),
        None => Ok(()),
    }
}
