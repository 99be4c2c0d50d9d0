//! Runs that are too large, refused with the largest size that is not.

use style_transfer::{Error, MAX_SIDE, Plan, Settings, StyleTransfer};

use crate::failure::{Exit, Failure, Result};
use crate::inputs::OpenStyle;
use crate::job::Job;
use crate::terminal::bytes;

/// Why a size cannot be.
enum TooLarge {
    /// More memory than is allowed or there; the sentence says which.
    Memory(String),
    /// More pixels than pictures may have, or the device has buffers for.
    Picture(String),
}

/// The plan of a run, where there is room for it.
pub(crate) fn check(job: &Job<'_>) -> Result<Plan> {
    let asked = job.size();
    let why = match at(job, asked)? {
        Ok(plan) => return Ok(plan),
        Err(why) => why,
    };
    let (TooLarge::Memory(why) | TooLarge::Picture(why)) = why;
    let failure = |message: String| Failure::new(Exit::Limit, message);
    Err(match largest(job, asked) {
        Some(px) => failure(format!("{why}; the largest that fits has a long side of {px} px"))
            .help(format!("use --size {px} or less, or end other programs")),
        None => failure(format!("{why}; no smaller size fits either"))
            .help("end other programs, choose other proportions, or use another machine"),
    })
}

/// The plan at a size, or why that is too large. Other errors are those of the run.
fn at(job: &Job<'_>, size: usize) -> Result<std::result::Result<Plan, TooLarge>> {
    let settings = Settings { size, ..job.settled.settings.clone() };
    let task = job.task_at(size);
    let plan = job.inputs.furnish(StyleTransfer::new(&job.machine.vgg).settings(settings)).plan(task);
    let plan = match plan {
        Ok(plan) => plan,
        Err(Error::NotEnoughMemory { width, height, needed, available, .. }) => {
            let (needed, available) = (bytes(needed), bytes(available));
            return Ok(Err(TooLarge::Memory(format!(
                "a result of {width} x {height} px needs {needed} of memory, {available} are available"
            ))));
        }
        Err(Error::BufferTooLarge { width, height, needed, allowed, .. }) => {
            let (needed, allowed) = (bytes(needed as usize), bytes(allowed as usize));
            return Ok(Err(TooLarge::Picture(format!(
                "a picture of {width} x {height} px needs a buffer of {needed}, the device gives {allowed} at most"
            ))));
        }
        Err(error @ Error::Setting { name, .. }) if is_too_large(job, name, size) => {
            return Ok(Err(TooLarge::Picture(error.to_string())));
        }
        Err(error) => return Err(error.into()),
    };
    let limit = job.arguments.limits.max_memory.map(|mib| (mib as usize).saturating_mul(1 << 20));
    match (plan.memory, limit) {
        (Some(memory), Some(limit)) if memory.total() > limit => Ok(Err(TooLarge::Memory(format!(
            "a result of {} x {} px needs {} of memory, --max-memory allows {}",
            plan.width,
            plan.height,
            bytes(memory.total()),
            bytes(limit)
        )))),
        _ => Ok(Ok(plan)),
    }
}

/// The smallest size that the library takes, px.
const SMALLEST: usize = 16;

/// Whether a setting that the library refuses is a size above its limits, in the library's words.
fn is_too_large(job: &Job<'_>, name: &str, size: usize) -> bool {
    let style = |style: &OpenStyle| size as f64 * f64::from(style.scale) > MAX_SIDE as f64;
    match name {
        "size" | "width" | "height" => size > MAX_SIDE,
        "the picture" => true,
        "the size of a style picture" => job.inputs.styles.iter().any(style),
        _ => false,
    }
}

/// The largest size below `size` that fits. Sizes at which something else is wrong, such as a picture too small for a
/// layer, count as fitting: whoever asks for them is told.
fn largest(job: &Job<'_>, size: usize) -> Option<usize> {
    let fits = |size| at(job, size).map_or(true, |fitting| fitting.is_ok());
    let (mut good, mut bad) = (SMALLEST, size);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    // Below the smallest picture that the layers can be compared on nothing runs, however much memory there is. What had
    // room a moment ago may have none now, as others take and give back memory; it is still the answer.
    let runs = match at(job, good) {
        Ok(fitting) => fitting.is_ok() || good > SMALLEST,
        Err(_) => false,
    };
    runs.then_some(good)
}
