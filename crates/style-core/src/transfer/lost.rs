//! A device that fails on the way of a run: an error in place of a panic, with the best picture there was.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::recorder::Recorder;
use super::run::{Course, Finish};
use crate::Error;
use crate::error::{in_one_line, words_of};

/// Does the work of a run. A device that fails ends it with [`Error::DeviceLost`].
///
/// Burn tells of some failures by panicking. Where results are fetched from a device (`is_far`), such a panic is a
/// failure like any other; a panic of the observer goes on. A style loss of somebody
/// else's runs among Burn's operations: its panic counts as the device's.
pub(super) fn notice_loss<T>(
    is_far: bool,
    course: &mut Course<'_>,
    work: impl FnOnce(&mut Course<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let result = if is_far {
        // What a panic leaves half done lies on the device or in the recorder, whose pictures are whole or absent.
        match catch_unwind(AssertUnwindSafe(|| work(course))) {
            Ok(result) => result,
            Err(panic) if course.recorder.telling.get() => resume_unwind(panic),
            Err(panic) => {
                let reason = in_one_line(words_of(&*panic).unwrap_or("it panicked without a word"));
                Err(Error::Device { doing: "computing", reason })
            }
        }
    } else {
        work(course)
    };
    result.map_err(|error| match error {
        Error::Device { doing, reason } => {
            lost(is_far, &course.recorder, course.finish, format!("{reason}, while {doing}"))
        }
        other => other,
    })
}

fn lost(is_far: bool, recorder: &Recorder, finish: &Finish, reason: String) -> Error {
    let best = recorder.rescued(is_far).and_then(|image| finish.finished(image).ok());
    Error::DeviceLost { step: recorder.step, reason, best: best.map(Box::new) }
}
