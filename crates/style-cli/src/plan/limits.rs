//! Runs that are too large, refused with the largest size that is not.

use style_transfer::{Error, MAX_SIDE, Plan, Settings, StyleTransfer, Task};

use crate::arguments::number::SMALLEST_SIDE;
use crate::failure::{Exit, Failure, Result};
use crate::job::Job;
use crate::plan::{base, with_base};
use crate::terminal::bytes;

/// Why a size cannot be.
enum Unfit {
    /// More memory than there is; the sentence says so.
    Memory(String),
    /// More memory than the user allows.
    Allowance(String),
    /// More pixels than pictures may have, or the device has buffers for.
    Picture(String),
    /// Fewer pixels than a layer needs.
    TooSmall(Error),
}

impl Unfit {
    /// What may be done besides taking another size.
    const fn instead(&self) -> Option<&'static str> {
        match self {
            Self::Memory(_) => Some("end other programs"),
            Self::Allowance(_) => Some("raise --max-memory"),
            Self::Picture(_) | Self::TooSmall(_) => None,
        }
    }

    fn sentence(&self) -> Option<&str> {
        match self {
            Self::Memory(sentence) | Self::Allowance(sentence) | Self::Picture(sentence) => Some(sentence),
            Self::TooSmall(_) => None,
        }
    }

    /// Whether it is another limit.
    fn is_other_than(&self, other: &Self) -> bool {
        std::mem::discriminant(self) != std::mem::discriminant(other)
    }
}

/// The plan of a run, where there is room for it.
pub(crate) fn check(job: &Job<'_>) -> Result<Plan> {
    base(); // before the weights are packed, which the forecast counts
    let asked = job.size();
    let why = match at(job, asked)? {
        Ok(plan) => return Ok(plan),
        Err(why) => why,
    };
    let Some(mut sentence) = why.sentence().map(str::to_owned) else {
        return Err(too_small(job, asked, why));
    };
    let failure = |message: String| Failure::new(Exit::Limit, message);
    let largest = largest(job, asked);
    // Several limits may be passed; the one that the largest size is found by is named, too.
    let nearer =
        largest.and_then(|px| at(job, px + 1).ok()?.err()).filter(|nearer| nearer.is_other_than(&why));
    if let Some(nearer) = nearer.as_ref().and_then(Unfit::sentence) {
        sentence = format!("{sentence}, and {nearer}");
    }
    let instead = nearer.as_ref().unwrap_or(&why).instead();
    let or = instead.map_or_else(String::new, |instead| format!(", or {instead}"));
    Err(match (largest, job.task()) {
        (Some(px), Task::Texture { .. }) => {
            let Task::Texture { width, height } = job.task_at(px) else { return Err(failure(sentence)) };
            failure(format!(
                "{sentence}; the largest that fits in these proportions has {width} x {height} px"
            ))
            .help(format!("use --width {width} --height {height} or less{or}"))
        }
        (Some(px), _) => failure(format!("{sentence}; the largest that fits has a long side of {px} px"))
            .help(format!("use --size {px} or less{or}")),
        (None, Task::Texture { width, height }) if why.instead().is_none() => {
            failure(sentence).help(if width.max(height) > MAX_SIDE {
                format!("give --width and --height at most {MAX_SIDE} px")
            } else {
                // The painting covers the texture, so that it is larger than that.
                "let --width and --height be less far apart, or lower --style-scale".to_owned()
            })
        }
        (None, Task::Texture { .. }) => {
            failure(format!("{sentence}; nothing smaller of these proportions fits"))
                .help(why.instead().unwrap_or("use another device"))
        }
        (None, _) => failure(format!("{sentence}; no smaller size fits either"))
            .help(why.instead().unwrap_or("use another device")),
    })
}

/// A size at which nothing is left of a picture in the deepest layer: the size is wrong where an ordinary one is
/// enough, otherwise the picture is.
fn too_small(job: &Job<'_>, asked: usize, why: Unfit) -> Failure {
    let Unfit::TooSmall(error) = why else { return Failure::new(Exit::Internal, "a size is no size") };
    let is_enough = |size| !matches!(at(job, size), Ok(Err(Unfit::TooSmall(_))));
    match (asked + 1..=ORDINARY).find(|&size| is_enough(size)) {
        Some(px) => Failure::usage(error).help(format!("use --size {px} or more, or shallower layers")),
        None => error.into(),
    }
}

/// The long side, px, at which a picture that is no mere line has something left in every layer.
const ORDINARY: usize = 512;

/// The plan at a size, or why that is too large. Other errors are those of the run.
fn at(job: &Job<'_>, size: usize) -> Result<std::result::Result<Plan, Unfit>> {
    let settings = Settings { size, ..job.settled.settings.clone() };
    let task = job.task_at(size);
    let plan = job.inputs.furnish(StyleTransfer::new(&job.machine.vgg).settings(settings)).plan(task);
    let limit = job.arguments.limits.max_memory.map(|mib| (mib as usize).saturating_mul(1 << 20));
    let over_allowance = |(width, height), memory: usize, limit: usize| {
        Unfit::Allowance(format!(
            "a result of {width} x {height} px needs {} MiB of memory, --max-memory allows {} MiB",
            memory.div_ceil(1 << 20),
            limit >> 20
        ))
    };
    let plan = match plan {
        Ok(plan) => plan,
        Err(Error::NotEnoughMemory { width, height, needed, available, .. }) => {
            return Ok(Err(match limit {
                Some(limit) if limit <= base() + available => {
                    over_allowance((width, height), base() + needed, limit)
                }
                _ => {
                    let (needed, available) = (bytes(needed), bytes(available));
                    Unfit::Memory(format!(
                        "a result of {width} x {height} px needs {needed} of memory, {available} are available"
                    ))
                }
            }));
        }
        Err(Error::BufferTooLarge { width, height, needed, allowed, .. }) => {
            let (needed, allowed) = (bytes(needed as usize), bytes(allowed as usize));
            return Ok(Err(Unfit::Picture(format!(
                "a picture of {width} x {height} px needs a buffer of {needed}, the device gives {allowed} at most"
            ))));
        }
        Err(error @ Error::SizeTooLarge { .. }) => return Ok(Err(Unfit::Picture(error.to_string()))),
        Err(error @ Error::PictureTooSmall { .. }) => return Ok(Err(Unfit::TooSmall(error))),
        Err(error) => return Err(error.into()),
    };
    match (plan.memory.map(|memory| with_base(&memory)), limit) {
        (Some(memory), Some(limit)) if memory > limit => {
            Ok(Err(over_allowance((plan.width, plan.height), memory, limit)))
        }
        _ => Ok(Ok(plan)),
    }
}

/// The largest size below `size` that fits. Sizes at which something else is wrong, such as a picture too small for a
/// layer, count as fitting: whoever asks for them is told.
fn largest(job: &Job<'_>, size: usize) -> Option<usize> {
    let fits =
        |size| at(job, size).map_or(true, |fitting| matches!(fitting, Ok(_) | Err(Unfit::TooSmall(_))));
    let (mut good, mut bad) = (SMALLEST_SIDE, size);
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
        Ok(Ok(_)) => true,
        Ok(Err(Unfit::TooSmall(_))) | Err(_) => false,
        Ok(Err(_)) => good > SMALLEST_SIDE,
    };
    runs.then_some(good)
}
