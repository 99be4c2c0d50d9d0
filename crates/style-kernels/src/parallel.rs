//! Work for the threads of the caller's rayon pool.

use std::hint::black_box;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rayon::ThreadPoolBuilder;
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

/// Starts the threads of rayon's global pool: as many as `RAYON_NUM_THREADS` says, or the
/// machine has processors, or fewer where the system gives no more, down to the calling thread alone. Without this the
/// first parallel loop starts them, and panics where the system does not give them all.
///
/// A pool that was started before stays as it is.
///
/// # Examples
///
/// ```
/// style_kernels::start_threads();
/// assert!(style_kernels::threads() >= 1);
/// ```
pub fn start_threads() {
    let named = std::env::var("RAYON_NUM_THREADS").ok().and_then(|number| number.parse().ok());
    let processors = || thread::available_parallelism().map_or(1, NonZero::get);
    let mut number = named.filter(|&number| number > 0).unwrap_or_else(processors);
    // A global pool can be tried once only, so others go ahead; with one to spare, as they end in their own time.
    while number > 0 && !can_start(number + 1) {
        number /= 2;
    }
    let builder = ThreadPoolBuilder::new().num_threads(number.max(1));
    let _ = if number == 0 { builder.use_current_thread() } else { builder }.build_global();
}

/// Waits until every thread of the current pool has come and holds what the allocator sets aside for it, with glibc
/// 64 MiB of addresses each. What is left of a limit is known only then.
///
/// # Examples
///
/// ```
/// style_kernels::wait_for_threads();
/// ```
pub fn wait_for_threads() {
    rayon::broadcast(|_| drop(black_box(Vec::<u8>::with_capacity(1))));
}

/// Whether the system gives so many threads at once.
fn can_start(number: usize) -> bool {
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock();
    let wait = || {
        let gate = Arc::clone(&gate);
        move || drop(gate.lock())
    };
    let started: Vec<_> = (0..number).map_while(|_| thread::Builder::new().spawn(wait()).ok()).collect();
    drop(closed);
    let can = started.len() == number;
    for one in started {
        let _ = one.join();
    }
    can
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
