//! Ending a run from another thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Ends a run from outside: every clone is the same switch.
///
/// # Examples
///
/// ```no_run
/// # fn f(vgg: style_core::Vgg, photo: style_image::Image, style: style_image::Image) -> Result<(), style_core::Error> {
/// use style_core::{CancelToken, StyleTransfer};
///
/// let token = CancelToken::new();
/// let switch = token.clone();
/// std::thread::spawn(move || {
///     std::thread::sleep(std::time::Duration::from_secs(60));
///     switch.cancel();
/// });
/// let outcome = StyleTransfer::new(&vgg).style(&style).cancel_with(&token).run(&photo)?; // a minute at most
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A switch that has not been pressed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every run that has this token, after the step it is at, with the picture so far.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
