//! SIGINT and SIGTERM: the first ends the run after its step, the second ends the program at once.

use std::sync::atomic::{AtomicI32, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use style_transfer::CancelToken;

use crate::failure::{Exit, Failure, Result};

/// The first signal that came; 0 for none.
static CAME: AtomicI32 = AtomicI32::new(0);

/// Begins to listen; the token is cancelled by the first signal.
#[cfg(unix)]
pub(crate) fn listen() -> Result<CancelToken> {
    use signal_hook::iterator::Signals;
    let token = CancelToken::new();
    let cannot =
        |error: std::io::Error| Failure::new(Exit::Internal, format!("cannot listen to signals: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(cannot)?;
    let for_thread = token.clone();
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in &mut signals {
                if CAME.swap(signal, Ordering::SeqCst) != 0 {
                    signal_hook::low_level::exit(128 + signal);
                }
                for_thread.cancel();
            }
        })
        .map_err(cannot)?;
    Ok(token)
}

/// Without signals of Unix, Ctrl-C ends the program at once.
#[cfg(not(unix))]
pub(crate) fn listen() -> Result<CancelToken> {
    Ok(CancelToken::new())
}

/// How the program ends because of the signal that came, if one did.
pub(crate) fn came() -> Option<Exit> {
    match CAME.load(Ordering::SeqCst) {
        0 => None,
        SIGTERM => Some(Exit::Terminated),
        _ => Some(Exit::Interrupted),
    }
}

/// The end of a run that a signal ended before it began.
pub(crate) fn check() -> Result<()> {
    match came() {
        Some(exit) => Err(Failure::new(exit, "interrupted before the first step; nothing was written")),
        None => Ok(()),
    }
}
