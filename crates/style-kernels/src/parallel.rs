//! Work for the threads of the caller's rayon pool.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::iter::{IndexedParallelIterator, IntoParallelIterator, ParallelIterator};

/// Number of threads that the kernels use when they are called here: those of the current rayon pool, which the
/// environment variable `RAYON_NUM_THREADS` may set.
///
/// # Examples
///
/// ```
/// assert!(style_kernels::threads() >= 1);
/// ```
#[must_use]
pub fn threads() -> usize {
    rayon::current_num_threads().max(1)
}

/// Calls `work(slot, task)` once for every task. At most `slots` calls run at the same time, each with a
/// different slot: memory of a slot belongs to one call at a time.
///
/// Tasks are handed out one by one, so that a slow thread holds nobody up. What a task computes must not
/// depend on its slot; then results do not depend on the number of threads.
pub(crate) fn for_each(slots: usize, tasks: usize, work: impl Fn(usize, usize) + Sync) {
    let slots = slots.min(tasks);
    if slots <= 1 {
        (0..tasks).for_each(|task| work(0, task));
        return;
    }
    let next = AtomicUsize::new(0);
    (0..slots).into_par_iter().with_max_len(1).for_each(|slot| {
        loop {
            let task = next.fetch_add(1, Ordering::Relaxed);
            if task >= tasks {
                break;
            }
            work(slot, task);
        }
    });
}
