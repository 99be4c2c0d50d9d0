//! How long a run will take, going by a few steps of a small one.

use std::ops::ControlFlow;

use style_transfer::{Clamp, Image, Plan, Settings, StyleTransfer, Task};

use crate::inputs::{OpenStyle, StyleSource};
use crate::job::Job;

/// About the pixels of the small run: large enough to be like a larger one, small enough to be over soon.
const PIXELS: f64 = 128.0 * 96.0;
/// Steps of the small run. The first also makes the buffers.
const STEPS: usize = 4;
/// When it has gone on for so long it is stopped, seconds.
const LONGEST: f64 = 0.3;

/// Seconds that a planned run will take. `None` where the first step compiles programs for the device, which says
/// nothing about the others, and where the small run fails: then the large one will say why.
pub(super) fn seconds(job: &Job<'_>, plan: &Plan) -> Option<f64> {
    if job.machine.open.info.compiles_kernels {
        return None;
    }
    let area = (plan.width * plan.height) as f64;
    let shrink = (PIXELS / area).sqrt().min(1.0);
    let side = |px: usize| ((px as f64 * shrink).round() as usize).max(32);
    let (width, height) = (side(plan.width), side(plan.height));
    let inputs = small_inputs(job, width.max(height))?;
    let task = match job.task() {
        Task::Texture { .. } => Task::Texture { width, height },
        Task::Transfer(_) => Task::Transfer(inputs.content.as_ref()?),
        Task::Reconstruct(_) => Task::Reconstruct(inputs.content.as_ref()?),
    };
    let settings = Settings {
        size: width.max(height),
        smallest_scale: width.max(height),
        steps: vec![STEPS],
        clamp: Clamp::EveryStep,
        ..job.settled.settings.clone()
    };
    let mut at_steps = vec![0.0];
    let mut transfer = StyleTransfer::new(&job.machine.vgg).settings(settings);
    for style in &inputs.styles {
        transfer = transfer.style(style.style());
    }
    let watch = |seconds: f64, at_steps: &mut Vec<f64>| {
        at_steps.push(seconds);
        if seconds > LONGEST { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let outcome =
        transfer.on_step(|step| watch(step.elapsed.as_secs_f64(), &mut at_steps)).perform(task).ok()?;
    let made = outcome.image();
    let per_step = match at_steps.as_slice() {
        [_, first, .., last] => (last - first) / (at_steps.len() - 2) as f64,
        [_, only] => *only,
        _ => return None,
    };
    let per_pixel = per_step / (made.width() * made.height()) as f64;
    Some(per_pixel * (plan.work() as f64 + looking(job, plan)))
}

/// Pixels of the pictures that are looked at before the steps of every scale; looking is a third of a step.
fn looking(job: &Job<'_>, plan: &Plan) -> f64 {
    let once = 1.0 + job.inputs.styles.iter().map(|style| f64::from(style.scale).powi(2)).sum::<f64>();
    let pixels = plan.scales.iter().map(|scale| (scale.width * scale.height) as f64);
    pixels.sum::<f64>() * once / 3.0
}

/// Small copies of the pictures: resizing a large one again and again would take longer than the steps.
struct Small {
    content: Option<Image>,
    styles: Vec<OpenStyle>,
}

fn small_inputs(job: &Job<'_>, side: usize) -> Option<Small> {
    let small = |image: &Image| image.resized_to_long_side(side).ok();
    let content = match &job.inputs.content {
        Some(content) => Some(small(content)?),
        None => None,
    };
    let style = |style: &OpenStyle| {
        let source = match &style.source {
            StyleSource::Picture(picture) => StyleSource::Picture(small(picture)?),
            // Statistics take no time.
            StyleSource::File(file) => StyleSource::File(file.clone()),
        };
        let OpenStyle { name, weight, region, .. } = style;
        Some(OpenStyle {
            name: name.clone(),
            source,
            sha256: None,
            known: None,
            weight: *weight,
            scale: 1.0,
            region: region.clone(),
            region_sha256: None,
        })
    };
    Some(Small { content, styles: job.inputs.styles.iter().map(style).collect::<Option<_>>()? })
}
