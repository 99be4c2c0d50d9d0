//! Waiting for a device, but not for ever.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// A device that does not answer a read within this time counts as lost: a server that was stopped keeps its connection
/// open and never answers. Up to sixteen steps and the compilation of all kernels have to be done in it.
pub(crate) const LONGEST_SILENCE: Duration = Duration::from_mins(30);

/// Wakes a thread that waits for a future.
struct Alarm(Thread);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The result of a future, or `None` when `limit` is over first.
pub(crate) fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let waker = Waker::from(Arc::new(Alarm(thread::current())));
    let (mut future, start) = (pin!(future), Instant::now());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        // Unparking is remembered, so what happens between the question and here is not missed.
        thread::park_timeout(limit.checked_sub(start.elapsed())?);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_device_that_never_answers_is_left_alone() {
        let start = Instant::now();
        assert_eq!(within(Duration::from_millis(30), std::future::pending::<u8>()), None);
        assert!(start.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn an_answer_from_another_thread_is_noticed_when_it_comes() {
        let mailbox: Arc<Mutex<(Option<u8>, Option<Waker>)>> = Arc::default();
        let theirs = Arc::clone(&mailbox);
        let sender = thread::spawn(move || {
            thread::sleep(Duration::from_millis(30));
            let mut mailbox = theirs.lock().unwrap();
            mailbox.0 = Some(7);
            if let Some(waker) = mailbox.1.take() {
                waker.wake();
            }
        });
        let answer = std::future::poll_fn(|context| {
            let mut mailbox = mailbox.lock().unwrap();
            mailbox.1 = Some(context.waker().clone());
            mailbox.0.map_or(Poll::Pending, Poll::Ready)
        });
        let start = Instant::now();
        assert_eq!(within(Duration::from_mins(1), answer), Some(7));
        assert!(start.elapsed() < Duration::from_secs(30));
        sender.join().unwrap();
    }
}
