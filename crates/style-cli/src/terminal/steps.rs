//! The steps of a run, as programs are told them.

use style_transfer::Step;

use super::{Event, tell_programs};

/// Tells of every step, and of a scale before its first.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    scale: usize,
}

impl Steps {
    pub(crate) fn tell(&mut self, step: &Step<'_>) {
        let &Step { scale, scales, size: (width, height), .. } = step;
        if scale != self.scale {
            self.scale = scale;
            tell_programs(&Event::Scale { scale, scales, width, height });
        }
        tell_programs(&step.into());
    }
}
