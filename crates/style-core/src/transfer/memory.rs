//! The memory of a run, before it is taken.

use style_image::with_long_side;

use super::ladder::Extent;
use super::style::Style;
use super::{Settings, StyleTransfer};
use crate::memory::{Memory, available_memory, largest_side, of_step, picture};
use crate::vgg::{Taps, Vgg};
use crate::{Error, LineSearch, Optimizer};

/// Pictures that a run holds besides those of a step: the content, the start, the newest and the best of
/// those whose losses were read, and the average.
const PICTURES: usize = 5;

/// The style picture, and its tensor.
const STYLE_PICTURES: usize = 2;

impl StyleTransfer<'_> {
    /// Memory that [`run`](Self::run) takes for a result of `width` x `height` px; `None` where Burn computes the
    /// network, see [`Vgg::memory`]. The two halves, `reconstruct` and `texture`, need less.
    ///
    /// It is that of the last scale's step (see [`Objective::memory`](crate::Objective::memory)) with the targets, seven
    /// pictures and those of the optimiser at 12 bytes a pixel: 4 for Adam, `2 * history + 4` for L-BFGS, six more with a
    /// line search. The buffers are those of the result or of the style picture, whichever are larger.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for settings out of range; those of [`Vgg::memory`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(vgg: style_core::Vgg, style: style_image::Image) -> Result<(), style_core::Error> {
    /// use style_core::StyleTransfer;
    ///
    /// let transfer = StyleTransfer::new(&vgg).style(&style).size(1024);
    /// if let Some(memory) = transfer.memory(1024, 683)? {
    ///     println!("{memory}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn memory(&self, width: usize, height: usize) -> Result<Option<Memory>, Error> {
        let settings = &self.settings;
        settings.validate_with(&self.styles, self.vgg)?;
        Settings::check_pixels("width", width)?;
        Settings::check_pixels("height", height)?;
        let styles = if settings.style_weight > 0.0 { self.styles.as_slice() } else { &[] };
        let vgg = settings.configure(self.vgg);
        Run { vgg: &vgg, settings, content: true, styles }.memory((width, height), settings.size)
    }
}

/// What is known of memory before a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forecast {
    /// What the run takes; `None` where Burn computes the network.
    pub(super) memory: Option<Memory>,
    /// What there is, the weights already taken from it; `None` where the system does not say it.
    pub(super) available: Option<usize>,
}

/// What decides about the memory of a run, apart from the sizes of its pictures.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// As the settings want it: poolings differ in what they store.
    pub(super) vgg: &'a Vgg,
    pub(super) settings: &'a Settings,
    /// Whether there is a content picture.
    pub(super) content: bool,
    pub(super) styles: &'a [Style<'a>],
}

impl Run<'_> {
    /// For a result of that extent, beside styles that are prepared for a long side of `size` px.
    fn memory(self, (width, height): Extent, size: usize) -> Result<Option<Memory>, Error> {
        let Self { vgg, settings, content, styles } = self;
        let layers = || settings.style_layers.iter().copied();
        let with_maps = |maps: bool, taps: Taps| if maps { taps.with_features(layers()) } else { taps };
        let needs_features = settings.style_loss.needs_features();
        let of_styles = if styles.is_empty() { Taps::new() } else { Taps::new().with_statistics(layers()) };
        let with_content = content && settings.content_weight > 0.0;
        let of_content = with_content.then_some(&settings.content_layers);
        let regions = styles.iter().any(|style| style.region.is_some());
        let taps = with_maps(!styles.is_empty() && (needs_features || regions), of_styles.clone())
            .with_features(of_content.into_iter().flatten().copied());
        let step = of_step(vgg, [height, width], &taps, settings.tv_weight > 0.0)?;
        let (Some(mut memory), Some(targets)) = (step, vgg.memory(height, width, &taps)?) else {
            return Ok(None);
        };
        memory.tensors += targets.tensors;
        memory.tensors += (PICTURES + pictures_of(settings.optimizer)) * picture(height, width);
        for (style, (width, height)) in styles.iter().filter_map(|style| Some((style, style.extent(size)?))) {
            let taps = with_maps(needs_features || style.part.is_some(), of_styles.clone());
            let pass = vgg.memory(height, width, &taps)?.unwrap_or_default();
            memory.buffers = memory.buffers.max(pass.buffers);
            memory.tensors += STYLE_PICTURES * picture(height, width);
            // Losses of features keep the style's.
            memory.tensors += if needs_features { pass.tensors } else { 0 };
        }
        Ok(Some(memory))
    }

    /// Refuses a run that this machine has no memory for.
    pub(super) fn check(self, extent: Extent) -> Result<Forecast, Error> {
        self.check_buffers(extent)?;
        // Buffers of an earlier run would go before the new ones come, so they must not count as taken.
        self.vgg.release_buffers();
        // The forecast packs the weights, which must count.
        let memory = self.memory(extent, self.settings.size)?;
        if memory.is_some() {
            style_kernels::wait_for_threads(); // what they set aside must count, too
        }
        let available = available_memory();
        if let (Some(memory), Some(available)) = (memory, available) {
            self.check_against(memory, available, extent)?;
        }
        Ok(Forecast { memory, available })
    }

    /// Refuses a run with a picture whose maps are larger than the device's largest buffer.
    fn check_buffers(self, extent: Extent) -> Result<(), Error> {
        let Self { vgg, settings, styles, .. } = self;
        let (Some(allowed), Some(deepest)) = (vgg.buffer_limit(), settings.deepest_layer()) else {
            return Ok(());
        };
        let needed = |(width, height): Extent| vgg.largest_tensor([1, height, width], deepest);
        let full = extent.0.max(extent.1);
        let at = |side: usize| {
            let size = (settings.size * side).div_ceil(full);
            let extents = styles.iter().filter_map(|style| style.extent(size));
            extents.map(needed).fold(needed(with_long_side(extent, side)), u64::max)
        };
        if at(full) <= allowed {
            return Ok(());
        }
        let fits = largest_side(full, |side| at(side) <= allowed);
        let largest = (fits >= *Settings::SIZES.start()).then_some(fits);
        let (width, height) = extent;
        Err(Error::BufferTooLarge { width, height, needed: at(full), allowed, largest })
    }

    fn check_against(self, memory: Memory, available: usize, extent: Extent) -> Result<(), Error> {
        let size = self.settings.size;
        let needed = |memory: Memory| memory.run(); // the weights are packed
        if needed(memory) <= available {
            return Ok(());
        }
        let full = extent.0.max(extent.1);
        let at = |side: usize| {
            let memory = self.memory(with_long_side(extent, side), (size * side).div_ceil(full));
            memory.ok().flatten().map(needed)
        };
        // The size that is named must still fit when it is tried: what is available moves meanwhile.
        let safe = available - available / SPARE;
        // What is too small for the network is not too large.
        let fits = largest_side(full, |side| at(side).is_none_or(|needed| needed <= safe));
        let largest = (fits >= *Settings::SIZES.start() && at(fits).is_some()).then_some(fits);
        let (width, height) = extent;
        Err(Error::NotEnoughMemory { width, height, needed: needed(memory), available, largest })
    }
}

/// The size that a refusal names leaves one part in so many of the available memory free: other programs take some until
/// it is tried.
const SPARE: usize = 8;

/// Pictures that an optimiser keeps, and two while it works.
fn pictures_of(optimizer: Optimizer) -> usize {
    match optimizer {
        Optimizer::Adam { .. } => 2 + 2,
        Optimizer::Lbfgs { history, line_search: LineSearch::None, .. } => 2 * history + 2 + 2,
        // The direction, the trial, the lowest trial with its gradient; and the pair that a trial would make.
        Optimizer::Lbfgs { history, line_search: LineSearch::StrongWolfe, .. } => 2 * history + 2 + 4 + 4,
    }
}

#[cfg(test)]
mod tests {
    use style_format::Layer::Relu2_1;

    use super::*;
    use crate::test_support::vgg;
    use crate::{Kernel, Settings};

    fn settings() -> Settings {
        let layers = vec![Relu2_1];
        Settings { content_layers: layers.clone(), style_layers: layers, ..Settings::default() }
    }

    #[test]
    fn a_run_that_the_machine_has_no_memory_for_is_refused_with_the_size_that_fits() {
        let (vgg, settings) = (vgg(Relu2_1), settings());
        let settings = Settings { size: 600, ..settings };
        let picture = style_image::Image::new(20, 60, vec![0.5; 3 * 20 * 60]).unwrap();
        let styles = [Style::new(&picture)];
        let run = Run { vgg: &vgg, settings: &settings, content: true, styles: &styles };
        let extent = (600, 300);
        let memory = run.memory(extent, 600).unwrap().unwrap();
        let needs = memory.buffers + memory.tensors;
        run.check_against(memory, needs, extent).unwrap();
        let Error::NotEnoughMemory { width: 600, height: 300, needed, available, largest: Some(largest) } =
            run.check_against(memory, needs - 1, extent).unwrap_err()
        else {
            panic!("not refused")
        };
        assert_eq!((needed, available), (needs, needs - 1));
        let at = |side| {
            let memory = run.memory(with_long_side(extent, side), side).unwrap().unwrap();
            memory.buffers + memory.tensors
        };
        let safe = available - available / SPARE;
        assert!(at(largest) <= safe, "{largest} px fit, with room to spare");
        assert!(at(largest + 1) > safe, "{} px have less room", largest + 1);
        let error = run.check_against(memory, 1, extent).unwrap_err().to_string();
        assert!(
            error.ends_with(" MB of memory, 0 MB are available: not even the smallest picture fits"),
            "{error}"
        );
    }

    #[test]
    fn a_run_whose_maps_the_device_has_no_buffer_for_is_refused_with_the_size_that_fits() {
        let vgg = vgg(Relu2_1).with_kernel(Kernel::Burn).with_largest_buffer(256 * 100 * 50);
        let picture = style_image::Image::new(40, 20, vec![0.5; 3 * 40 * 20]).unwrap();
        let run = |size, styles: Vec<Style<'_>>| {
            let transfer = StyleTransfer::new(&vgg).settings(Settings { size, steps: vec![1], ..settings() });
            styles.into_iter().fold(transfer, StyleTransfer::style).run(&picture)
        };
        run(100, vec![Style::new(&picture)]).unwrap();
        let refused = |size, style| match run(size, vec![style]).unwrap_err() {
            Error::BufferTooLarge { width, height, needed, allowed: 1_280_000, largest } => {
                ((width, height), needed, largest)
            }
            other => panic!("{other}"),
        };
        assert_eq!(refused(102, Style::new(&picture)), ((102, 51), 256 * 102 * 51, Some(100)));
        // The style is twice as large.
        let style = Style::new(&picture).scale(2.0);
        assert_eq!(refused(100, style), ((100, 50), 256 * 200 * 100, Some(50)));
    }

    #[test]
    fn buffers_of_an_earlier_pass_are_given_back_before_memory_is_counted() {
        let (vgg, settings) = (vgg(Relu2_1), settings());
        let clone = vgg.clone().with_padding(crate::Padding::Zero);
        drop(
            clone.forward(
                crate::test_support::tensor([1, 3, 32, 32], 1),
                &Taps::new().with_features([Relu2_1]),
            ),
        );
        assert!(vgg.keeps_buffers(), "a clone's buffers are the network's");
        Run { vgg: &vgg, settings: &settings, content: true, styles: &[] }.check((64, 48)).unwrap();
        assert!(!vgg.keeps_buffers());
    }

    #[test]
    fn a_run_needs_more_than_a_step_and_more_with_a_longer_memory() {
        let vgg = vgg(Relu2_1);
        let of = |optimizer| {
            let transfer = StyleTransfer::new(&vgg).settings(Settings { optimizer, ..settings() });
            transfer.memory(64, 48).unwrap().unwrap()
        };
        let (adam, lbfgs) = (of(Optimizer::ADAM), of(Optimizer::LBFGS));
        assert_eq!((adam.weights, adam.buffers), (lbfgs.weights, lbfgs.buffers));
        assert_eq!(lbfgs.tensors - adam.tensors, 20 * 64 * 48 * 12);
        let line_search = LineSearch::StrongWolfe;
        let searching = of(Optimizer::Lbfgs { learning_rate: 1.0, history: 10, line_search });
        assert_eq!(searching.tensors - lbfgs.tensors, 6 * 64 * 48 * 12);
        let error = StyleTransfer::new(&vgg).settings(settings()).memory(64, 8).unwrap_err();
        assert_eq!(error.to_string(), "height is 8 px, allowed is 16 to 16384 px");
    }

    #[test]
    fn where_burn_computes_there_is_no_forecast() {
        let vgg = vgg(Relu2_1).with_kernel(Kernel::Burn);
        assert_eq!(StyleTransfer::new(&vgg).settings(settings()).memory(64, 64).unwrap(), None);
        let settings = settings();
        let run = Run { vgg: &vgg, settings: &settings, content: true, styles: &[] };
        assert_eq!(run.check((64, 64)).unwrap().memory, None);
    }

    #[test]
    fn sizes_in_proportion_are_those_of_resized_pictures() {
        for (width, height, px) in [(30, 20, 16), (1, 512, 64), (512, 3, 16), (7, 5, 11)] {
            let picture = style_image::Image::new(width, height, vec![0.5; 3 * width * height]).unwrap();
            let resized = picture.resized_to_long_side(px).unwrap();
            assert_eq!(with_long_side((width, height), px), (resized.width(), resized.height()));
        }
    }
}
