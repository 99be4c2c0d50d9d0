//! Work that a watcher does not make the run wait for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// So many jobs may wait, each with a picture; a run that is ahead of them waits.
const WAITING: usize = 2;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that does one job after the other.
pub(crate) struct Background {
    jobs: Option<SyncSender<Job>>,
    /// Jobs that are not finished.
    open: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    pub(crate) fn new() -> Self {
        let (sender, jobs) = sync_channel::<Job>(WAITING);
        let open = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&open);
        let work = move || {
            for job in jobs {
                // A picture that cannot be shown must not end the showing of the next.
                let _ = catch_unwind(AssertUnwindSafe(job));
                left.fetch_sub(1, Ordering::Release);
            }
        };
        // Without a thread, which a system may refuse, jobs are done where they are given.
        let thread = std::thread::Builder::new().name("watchers".into()).spawn(work).ok();
        Self { jobs: thread.is_some().then_some(sender), open, thread }
    }

    /// Whether the next job would begin at once.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }

    /// Has the job done; waits while too many do.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let Some(jobs) = &self.jobs else { return job() };
        self.open.fetch_add(1, Ordering::AcqRel);
        if jobs.send(Box::new(job)).is_err() {
            self.open.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Waits until every job is done.
    pub(crate) fn finish(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A job's panic was caught where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn jobs_are_done_in_order_and_all_of_them() {
        let (mut background, seen) = (Background::new(), Arc::new(Mutex::new(Vec::new())));
        for number in 0..20 {
            let seen = Arc::clone(&seen);
            background.run(move || seen.lock().unwrap().push(number));
        }
        background.finish();
        assert_eq!(*seen.lock().unwrap(), (0..20).collect::<Vec<_>>());
        assert!(background.is_idle());
    }

    #[test]
    fn a_job_that_panics_does_not_end_the_others() {
        let (mut background, seen) = (Background::new(), Arc::new(AtomicUsize::new(0)));
        background.run(|| panic!("a picture that no encoder likes"));
        let count = Arc::clone(&seen);
        background.run(move || _ = count.fetch_add(1, Ordering::Relaxed));
        background.finish();
        assert_eq!(seen.load(Ordering::Relaxed), 1);
    }
}
