//! SIGINT, SIGTERM, and SIGHUP of a terminal that is closed, from the program's very start. While there is nothing to save,
//! the first ends the program at once; a run it ends after its step, and the second ends the program at once.

use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use signal_hook::consts::SIGINT;
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGTERM};
use style_transfer::CancelToken;

use crate::failure::{Exit, Failure, Result};

/// The first signal that came; 0 for none.
static CAME: AtomicI32 = AtomicI32::new(0);

/// What the first signal cancels while something is in the making.
static TOKEN: OnceLock<CancelToken> = OnceLock::new();

static PHASE: Mutex<Phase> = Mutex::new(Phase::Nothing("interrupted; nothing was written"));

/// What the first signal finds.
#[cfg_attr(not(unix), allow(dead_code))] // nobody listens there
enum Phase {
    /// There is nothing to save, which is said so.
    Nothing(&'static str),
    /// Something is kept, and nothing is in the making: between two of many pictures, or while a file is fetched.
    Kept(Rest),
    /// A step has been made: there is a picture to save.
    Working,
    /// A process of this program's own, which tells.
    Helping,
    /// The program ends anyway.
    Over,
}

/// What a signal says while something is kept.
#[cfg_attr(not(unix), allow(dead_code))] // nobody listens there
pub(crate) struct Rest {
    /// What became of the pictures so far.
    pub(crate) lines: Option<String>,
    pub(crate) end: Failure,
}

fn phase() -> MutexGuard<'static, Phase> {
    PHASE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cancelled by the first signal that finds something in the making.
pub(crate) fn token() -> CancelToken {
    TOKEN.get_or_init(CancelToken::new).clone()
}

/// Begins to listen.
///
/// # Errors
///
/// Exit code 6 where the system gives neither a thread nor a file for that.
#[cfg(unix)]
pub(crate) fn listen() -> Result<()> {
    use signal_hook::iterator::Signals;
    let cannot = |error: std::io::Error| {
        Failure::new(Exit::Limit, format!("cannot listen to signals: {error}"))
            .help("raise the limits of processes and of open files (ulimit -u, ulimit -n)")
    };
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(cannot)?;
    if !stays_when_the_terminal_goes() {
        signals.add_signal(SIGHUP).map_err(cannot)?;
    }
    let token = token();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in &mut signals {
                // Held to the end, so that no run comes to its first step while it is thrown away.
                let phase = phase();
                let first = CAME.swap(signal, Ordering::SeqCst) == 0;
                match *phase {
                    Phase::Working if first => token.cancel(),
                    Phase::Over if first => {}
                    _ => leave(&phase),
                }
            }
        })
        .map_err(cannot)?;
    Ok(())
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
fn leave(phase: &Phase) {
    use crate::{scraps, terminal};

    let _held = scraps::remove();
    let exit = came().unwrap_or(Exit::Interrupted);
    let failure = match phase {
        Phase::Nothing(words) => Some(Failure::new(exit, words)),
        Phase::Kept(Rest { lines, end }) => {
            lines.iter().for_each(terminal::say);
            Some(Failure { exit, ..end.clone() })
        }
        Phase::Working | Phase::Over => Some(Failure::new(exit, "ended at once by a second signal")),
        Phase::Helping => None,
    };
    if let Some(failure) = failure {
        terminal::leave(&failure);
    }
    signal_hook::low_level::exit(exit as i32);
}

/// Without signals of Unix, Ctrl-C ends the program at once.
#[cfg(not(unix))]
pub(crate) fn listen() -> Result<()> {
    Ok(())
}

/// Enters a phase, unless a signal has come already, which ends the program in its own way.
fn enter(new: Phase) {
    let mut phase = phase();
    if came().is_none() {
        *phase = new;
    }
}

/// There is nothing to save yet, and these words say so.
pub(crate) fn nothing(words: &'static str) {
    enter(Phase::Nothing(words));
}

/// From now on there is something to save.
pub(crate) fn work() {
    *phase() = Phase::Working;
}

/// The next of many pictures has not been begun, or what comes is kept as it comes.
pub(crate) fn rest(rest: Rest) {
    enter(Phase::Kept(rest));
}

/// A file is written, and it is not the last thing that the program does.
pub(crate) fn wrote(path: &Path) {
    let message = format!("interrupted; {} was written before", path.display());
    rest(Rest { lines: None, end: Failure::new(Exit::Interrupted, message) });
}

/// Who started this process listens too, and tells.
pub(crate) fn help() {
    enter(Phase::Helping);
}

/// The program is about to tell how it ends; only a second signal ends it before.
pub(crate) fn over() {
    *phase() = Phase::Over;
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
