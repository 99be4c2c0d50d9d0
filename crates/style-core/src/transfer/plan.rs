//! A run as it will be, before anything is computed.

use serde::Serialize;

use super::ladder::Scale;
use super::resume::Origin;
use super::{Settings, StyleTransfer, Task};
use crate::{Error, Memory};

/// What [`StyleTransfer::perform`] would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// Width of the result, px.
    pub width: usize,
    /// Height of the result, px.
    pub height: usize,
    /// The scales, from coarse to fine.
    pub scales: Vec<PlannedScale>,
    /// Memory that the run takes, the program itself and pictures of the caller not counted; `None` where Burn computes the network.
    pub memory: Option<Memory>,
    /// Memory that the process could still take, bytes, when the network's weights have theirs; `None` where the
    /// system does not say it. See [`available_memory`](crate::available_memory).
    pub available: Option<usize>,
}

/// One scale of a [`Plan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PlannedScale {
    /// Width of the picture, px.
    pub width: usize,
    /// Height of the picture, px.
    pub height: usize,
    /// Number of updates.
    pub steps: usize,
}

impl Plan {
    /// Number of updates at all scales.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.scales.iter().map(|scale| scale.steps).sum()
    }

    /// Pixels times updates, over all scales: the time of a step goes by the pixels.
    #[must_use]
    pub fn work(&self) -> u64 {
        self.scales.iter().map(|scale| (scale.width * scale.height) as u64 * scale.steps as u64).sum()
    }
}

impl PlannedScale {
    /// What is planned for the scales of a run.
    pub(super) fn all(settings: &Settings, scales: &[Scale]) -> Vec<Self> {
        let planned = scales.iter().enumerate().map(|(index, &Scale { extent: (width, height), .. })| {
            let steps = settings.steps_at(index, scales.len());
            Self { width, height, steps }
        });
        planned.collect()
    }
}

impl StyleTransfer<'_> {
    /// What [`perform`](Self::perform) would do. Everything is checked that is checked there before the first step;
    /// nothing is computed but, where that has not been done, the packed form of the weights. A checkpoint to go on from
    /// is compared with the run; the plan is that of the whole run all the same.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run) that come before the first step.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(vgg: style_core::Vgg, photo: style_image::Image, painting: style_image::Image) -> Result<(), style_core::Error> {
    /// use style_core::{StyleTransfer, Task};
    ///
    /// let transfer = StyleTransfer::new(&vgg).style(&painting).size(1024);
    /// let plan = transfer.plan(Task::Transfer(&photo))?;
    /// println!("{} x {} px, {} steps", plan.width, plan.height, plan.steps());
    /// if let Some(memory) = plan.memory {
    ///     println!("{memory}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn plan(&self, task: Task<'_>) -> Result<Plan, Error> {
        let prepared = self.prepare(&self.styles, task)?;
        if let Some(checkpoint) = &self.checkpoint {
            Origin::new(&prepared, task, self.start_image).check(checkpoint)?;
        }
        let (width, height) = prepared.extent;
        Ok(Plan {
            width,
            height,
            scales: PlannedScale::all(&prepared.settings, &prepared.scales),
            memory: prepared.forecast.memory,
            available: prepared.forecast.available,
        })
    }
}

#[cfg(test)]
mod tests {
    use style_format::Layer::Relu2_1;

    use super::super::test_runs::{picture, settings};
    use super::*;
    use crate::test_support::vgg;
    use crate::{Kernel, Start};

    #[test]
    fn a_plan_is_what_the_run_does() {
        let vgg = vgg(Relu2_1);
        let (content, style) = (picture(64, 40, 1), picture(48, 48, 2));
        let settings = Settings { size: 64, smallest_scale: 30, steps: vec![3, 2], ..settings() };
        let transfer = || StyleTransfer::new(&vgg).settings(settings.clone()).style(&style);
        for task in
            [Task::Transfer(&content), Task::Reconstruct(&content), Task::Texture { width: 40, height: 64 }]
        {
            let plan = transfer().plan(task).unwrap();
            let outcome = transfer().perform(task).unwrap();
            assert_eq!((plan.width, plan.height), (outcome.image().width(), outcome.image().height()));
            let made = outcome.scales().iter().map(|run| (run.width, run.height, run.steps));
            assert!(plan.scales.iter().map(|scale| (scale.width, scale.height, scale.steps)).eq(made));
            assert_eq!((plan.steps(), plan.scales.len()), (7, 3));
            assert!(plan.memory.is_some_and(|memory| memory.total() > 1 << 20));
        }
        let plan = transfer().plan(Task::Transfer(&content)).unwrap();
        assert_eq!(plan.work(), 3 * 32 * 20 + 2 * 45 * 28 + 2 * 64 * 40);
        assert_eq!(plan.memory, transfer().memory(64, 40).unwrap());
        let burn = vgg.clone().with_kernel(Kernel::Burn);
        let plan = StyleTransfer::new(&burn).settings(settings.clone()).style(&style);
        assert_eq!(plan.plan(Task::Transfer(&content)).unwrap().memory, None);
    }

    #[test]
    fn a_plan_is_refused_as_the_run_is() {
        let vgg = vgg(Relu2_1);
        let (content, style) = (picture(64, 40, 1), picture(48, 48, 2));
        let transfer = |change: fn(StyleTransfer<'_>) -> StyleTransfer<'_>| {
            change(StyleTransfer::new(&vgg).settings(settings()).style(&style))
        };
        let square = picture(16, 16, 3);
        for (change, task) in [
            ((|t| t.size(20_000)) as fn(StyleTransfer<'_>) -> StyleTransfer<'_>, Task::Transfer(&content)),
            (|t| t.size(16_384), Task::Transfer(&square)),
            (|t| t.steps(0), Task::Reconstruct(&content)),
            (|t| t.start(Start::Content), Task::Texture { width: 40, height: 40 }),
            (|t| t, Task::Texture { width: 40, height: 0 }),
        ] {
            let planned = transfer(change).plan(task).unwrap_err().to_string();
            assert_eq!(planned, transfer(change).perform(task).unwrap_err().to_string());
        }
        let error = transfer(|t| t.size(16_384)).plan(Task::Transfer(&square)).unwrap_err().to_string();
        assert_eq!(error, "the picture is 16384 x 16384 px, allowed is at most 67108864 pixels");
    }
}
