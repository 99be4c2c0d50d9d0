//! Content and style as a loss for training a network of one's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use burn::tensor::Tensor;

use crate::statistics::same_shape;
use crate::transfer::{Settings, Style, style_objective};
use crate::vgg::Vgg;
use crate::{Error, Objective};

/// What a feed-forward network for style transfer is trained with: the content loss between its output and its input,
/// the style loss between its output and fixed styles, and the total variation of its output, weighted as
/// [`Settings`] say.
///
/// The frozen network that looks at the pictures never enters the caller's graph: its gradient of the pixels is computed
/// at once, on the kernels where these are used, and is one operation in the graph.
///
/// # Examples
///
/// ```no_run
/// # use burn::tensor::Tensor;
/// # fn f(vgg: style_core::Vgg, painting: style_image::Image, photos: Tensor<4>, network: fn(Tensor<4>) -> Tensor<4>) -> Result<(), style_core::Error> {
/// use style_core::{PerceptualLoss, Settings};
///
/// let loss = PerceptualLoss::new(&vgg, &Settings { size: 128, ..Settings::default() }, [&painting])?;
/// let outputs = network(photos.clone()); // tracked, [batch, 3, height, width]
/// let value = loss.forward(outputs, photos)?;
/// let gradients = value.backward(); // of the network's weights
/// # Ok(())
/// # }
/// ```
///
/// # Reference
///
/// J. Johnson, A. Alahi and L. Fei-Fei, *Perceptual Losses for Real-Time Style Transfer and Super-Resolution*,
/// ECCV 2016, section 3.2 and equation 5.
#[derive(Debug, Clone)]
pub struct PerceptualLoss {
    vgg: Vgg,
    settings: Settings,
    /// Without the content, which every picture has of its own.
    objective: Objective,
    /// Calls of [`forward`](Self::forward): sliced Wasserstein losses look along new directions at each.
    calls: Arc<AtomicU64>,
}

impl PerceptualLoss {
    /// A loss with the layers, forms and weights of the settings; the style pictures are looked at beside outputs of
    /// `settings.size` px. Optimiser, steps and scales are the caller's business.
    ///
    /// # Errors
    ///
    /// Those of a run's settings; [`Error::Setting`] without a style, for a style with a region, which belongs to one
    /// picture, and for colours other than free.
    pub fn new<'a, S: Into<Style<'a>>>(
        vgg: &Vgg,
        settings: &Settings,
        styles: impl IntoIterator<Item = S>,
    ) -> Result<Self, Error> {
        let styles: Vec<Style<'a>> = styles.into_iter().map(Into::into).collect();
        let (vgg, objective) = style_objective(vgg, settings, &styles)?;
        Ok(Self { vgg, settings: settings.clone(), objective, calls: Arc::default() })
    }

    /// The mean loss of a batch, `[1]`; differentiable with respect to `outputs`.
    ///
    /// # Shapes
    ///
    /// Both `[batch, 3, height, width]`, RGB, sRGB in `[0, 1]`; `contents` is a constant.
    ///
    /// # Errors
    ///
    /// [`Error::Shape`] when they differ, and those of [`Objective::evaluate`].
    pub fn forward(&self, outputs: Tensor<4>, contents: Tensor<4>) -> Result<Tensor<1>, Error> {
        same_shape("the batch of contents", &contents, &outputs)?;
        self.objective.begin_step(self.calls.fetch_add(1, Ordering::Relaxed) + 1);
        let here = outputs.clone().without_autodiff();
        let contents = contents.without_autodiff();
        let [batch, ..] = here.dims();
        let (mut value, mut gradients) = (None, Vec::with_capacity(batch));
        for picture in 0..batch {
            let one = |of: &Tensor<4>| of.clone().narrow(0, picture, 1);
            let evaluation = self.objective_for(one(&contents))?.evaluate(&self.vgg, one(&here))?;
            gradients.push(evaluation.gradient);
            let loss = evaluation.losses.sum();
            value = Some(value.map_or_else(|| loss.clone(), |sum: Tensor<1>| sum + loss.clone()));
        }
        let Some(value) = value else {
            return Err(Error::setting("batch", "empty", "at least one picture"));
        };
        let gradient = Tensor::cat(gradients, 0);
        Ok((((outputs - here) * gradient).sum() + value).div_scalar(batch as f32))
    }

    /// The objective of one picture, `[1, 3, height, width]`.
    fn objective_for(&self, content: Tensor<4>) -> Result<Objective, Error> {
        let objective = self.objective.clone();
        if self.settings.content_weight == 0.0 {
            return Ok(objective);
        }
        let maps = self.vgg.features(content, &self.settings.content_layers)?;
        Ok(objective.with_contents(&self.settings, maps))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;
    use style_format::Layer::{Relu1_1, Relu2_1};
    use style_image::{Image, Mask};

    use super::PerceptualLoss;
    use crate::test_support::{numbers, relative_error, tensor, values, vgg};
    use crate::{
        ContentLoss, Error, GramLoss, GramScale, Kernel, Settings, Statistics, Style, StyleLoss,
        image_to_tensor,
    };

    fn settings() -> Settings {
        Settings {
            size: 24,
            content_weight: 0.7,
            content_layers: vec![Relu1_1, Relu2_1],
            style_weight: 3.0,
            style_layers: vec![Relu1_1, Relu2_1],
            tv_weight: 0.4,
            ..Settings::default()
        }
    }

    /// Of the settings' size, so that nothing is resampled.
    fn painting() -> Image {
        Image::new(24, 24, numbers(3 * 24 * 24, 9)).unwrap()
    }

    fn loss(kernel: Kernel) -> PerceptualLoss {
        PerceptualLoss::new(&vgg(Relu2_1).with_kernel(kernel), &settings(), [&painting()]).unwrap()
    }

    #[test]
    fn a_batch_costs_the_mean_of_its_pictures() {
        let loss = loss(Kernel::Winograd);
        let (outputs, contents) = (tensor([3, 3, 18, 22], 1), tensor([3, 3, 18, 22], 2));
        let one_by_one: Vec<f32> = (0..3)
            .map(|i| {
                let one = |of: &Tensor<4>| of.clone().narrow(0, i, 1);
                values(loss.forward(one(&outputs), one(&contents)).unwrap())[0]
            })
            .collect();
        assert!((one_by_one[0] - one_by_one[1]).abs() > 1e-4, "the pictures differ: {one_by_one:?}");
        let mean = one_by_one.iter().sum::<f32>() / 3.0;
        let batch = values(loss.forward(outputs, contents).unwrap())[0];
        assert!((batch - mean).abs() < 1e-6 * mean, "{batch} {mean}");
    }

    #[test]
    fn value_and_gradient_are_those_that_autodiff_finds_through_the_network() {
        for kernel in [Kernel::Burn, Kernel::Direct, Kernel::Winograd] {
            let (loss, settings) = (loss(kernel), settings());
            let (start, contents) = (tensor([2, 3, 18, 22], 1), tensor([2, 3, 18, 22], 2));
            let network = |x: Tensor<4>| x * 0.8 + 0.1;

            let leaf = start.clone().autodiff().require_grad();
            let value = loss.forward(network(leaf.clone()), contents.clone()).unwrap();
            let found = values(leaf.grad(&value.clone().backward()).unwrap());

            let layers = [Relu1_1, Relu2_1];
            let vgg = settings.configure(&vgg(Relu2_1));
            let styles = vgg.features(image_to_tensor(&painting(), &start.device()), &layers).unwrap();
            let wanted = vgg.features(contents.clone(), &layers).unwrap();
            let leaf = start.autodiff().require_grad();
            let outputs = network(leaf.clone());
            let maps = vgg.features(outputs.clone(), &layers).unwrap();
            let mut total = Tensor::zeros([1], &leaf.device());
            for picture in 0..2 {
                let one = |of: &Tensor<4>| of.clone().narrow(0, picture, 1);
                for layer in 0..2 {
                    let content = ContentLoss::new(one(&wanted[layer]), settings.content_loss);
                    let style = GramLoss::new(Statistics::of(styles[layer].clone()), GramScale::Relative);
                    let statistics = Statistics::of(one(&maps[layer]));
                    total = total
                        + content.forward(one(&maps[layer])).unwrap() * 0.35
                        + style.forward(statistics.into()).unwrap() * 1.5;
                }
                total = total + settings.tv_form.forward(one(&outputs)) * 0.4;
            }
            let mean = total / 2.0;
            let oracle = values(leaf.grad(&mean.clone().backward()).unwrap());

            let error = relative_error(&found, &oracle);
            assert!(error < 2e-5, "{kernel:?}: relative error of the gradient {error}");
            let (value, mean) = (values(value)[0], values(mean)[0]);
            assert!((value - mean).abs() < 1e-5 * mean, "{kernel:?}: {value} {mean}");
        }
    }

    #[test]
    fn contents_are_constants_even_when_they_are_tracked() {
        let loss = loss(Kernel::Winograd);
        let leaf = tensor([1, 3, 18, 22], 1).autodiff().require_grad();
        let gradient = |contents: Tensor<4>| {
            let value = loss.forward(leaf.clone() * 0.8, contents).unwrap();
            values(leaf.grad(&value.backward()).unwrap())
        };
        assert_eq!(gradient(leaf.clone() * 0.5), gradient(leaf.clone().without_autodiff() * 0.5));
    }

    #[test]
    fn wrong_batches_and_styles_get_typed_errors() {
        let loss = loss(Kernel::Winograd);
        let text = |outputs: [usize; 4], contents: [usize; 4]| {
            loss.forward(tensor(outputs, 1), tensor(contents, 2)).unwrap_err().to_string()
        };
        assert_eq!(
            text([1, 3, 18, 22], [2, 3, 18, 22]),
            "the batch of contents has shape [2, 3, 18, 22], expected [1, 3, 18, 22], the target's"
        );
        assert_eq!(
            text([1, 4, 18, 22], [1, 4, 18, 22]),
            "the picture has shape [1, 4, 18, 22], expected [batch, 3, height, width]"
        );
        assert_eq!(text([0, 3, 18, 22], [0, 3, 18, 22]), "batch is empty, allowed is at least one picture");
        let (painting, mask) = (painting(), Mask::new(24, 24, vec![1.0; 24 * 24]).unwrap());
        let style = Style::new(&painting).region(&mask);
        let error = PerceptualLoss::new(&vgg(Relu2_1), &settings(), [style]).unwrap_err();
        assert!(matches!(error, Error::Setting { name: "the region of a style", .. }), "{error}");
    }
}
