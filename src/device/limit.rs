//! Work that may hang, such as asking a driver or a network, with a limit of time.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::DeviceError;

/// For the questions whether a device is there: an answer, with all around it, comes within 5 s.
pub(super) const ASKING: Duration = Duration::from_secs(4);
/// For opening a device that is there: drivers may load firmware then.
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
pub(super) const OPENING: Duration = Duration::from_secs(30);

/// The result of `work`, which runs on a thread of its own; a thread that hangs stays behind.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    name: &str,
    work: impl FnOnce() -> Result<T, DeviceError> + Send + 'static,
) -> Result<T, DeviceError> {
    let (sender, receiver) = mpsc::channel();
    let failed = |reason: String| DeviceError::Failed { name: name.to_owned(), reason };
    let worker = thread::Builder::new()
        .name("device".to_owned())
        // Nobody listens any more where the limit is over.
        .spawn(move || drop(sender.send(work())))
        .map_err(|error| failed(error.to_string()))?;
    match receiver.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => {
            Err(DeviceError::TimedOut { name: name.to_owned(), seconds: limit.as_secs() })
        }
        Err(RecvTimeoutError::Disconnected) => {
            let payload = worker.join().err();
            let message = payload.as_deref().and_then(|payload| {
                payload
                    .downcast_ref::<String>()
                    .map(String::as_str)
                    .or(payload.downcast_ref::<&str>().copied())
            });
            Err(failed(message.unwrap_or("its software panicked").to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_time_is_handed_on() {
        assert_eq!(within(ASKING, "vulkan", || Ok(7)), Ok(7));
        let refusal = DeviceError::NotThere { name: "vulkan".to_owned(), there: vec![] };
        let answered = refusal.clone();
        assert_eq!(within::<u8>(ASKING, "vulkan", || Err(answered)), Err(refusal));
    }

    #[test]
    fn work_that_hangs_is_left_behind_at_the_limit() {
        // Who waited for it would never come back.
        let forever = || loop {
            thread::park();
        };
        let error = within::<()>(Duration::from_millis(50), "vulkan", forever);
        assert_eq!(error, Err(DeviceError::TimedOut { name: "vulkan".to_owned(), seconds: 0 }));
    }

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        let error = within::<()>(ASKING, "vulkan", || panic!("no queue {}", 3));
        assert_eq!(error.unwrap_err().to_string(), "device vulkan cannot be used: no queue 3");
    }
}
