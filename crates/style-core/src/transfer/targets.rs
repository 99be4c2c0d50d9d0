//! What the picture of one scale should come near to.

use burn::tensor::Tensor;
use style_format::Layer;
use style_image::{Image, Mask};

use super::ladder::{Scale, scales};
use super::style::{Source, Style};
use super::{Colour, Settings};
use crate::convert::{image_to_tensor, read};
use crate::loss::Seen;
use crate::metrics::{LayerDistance, Metrics, normalised_distance};
use crate::vgg::{Taps, Vgg};
use crate::{Error, Guide, Objective, Statistics, StyleFile};

/// Where and how strongly a target counts.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) layer: Layer,
    /// Number of the region, from 1, and its guide; `None` for the whole picture.
    pub(super) region: Option<(usize, Guide)>,
}

/// The targets of one scale, with the objective that measures them.
pub(super) struct Targets {
    pub(super) objective: Objective,
    /// Feature maps of the content.
    pub(super) content: Vec<(Layer, Tensor<4>)>,
    /// Gram matrices of the styles.
    pub(super) style: Vec<(Place, Tensor<3>)>,
}

/// The pictures of a run at full size, prepared, and what is asked of them.
pub(super) struct Sources<'a> {
    /// Configured as the settings ask.
    pub(super) vgg: &'a Vgg,
    pub(super) settings: &'a Settings,
    /// As large as the caller gave it.
    pub(super) content: Option<&'a Image>,
    pub(super) styles: &'a [Style<'a>],
}

/// The statistics of a style: per scale the long side of the result, px, and every layer.
pub(crate) type StyleAtScales = Vec<(usize, Vec<(Layer, Statistics)>)>;

/// A style looked at by the network: what a loss needs of every style layer.
struct Looks {
    seen: Vec<Seen>,
    /// Gram matrices for the metrics.
    grams: Vec<Tensor<3>>,
}

impl Sources<'_> {
    /// The content at a scale, in the colours that the run works in.
    pub(super) fn content_at(&self, scale: &Scale) -> Result<Option<Image>, Error> {
        let Some(content) = self.content else { return Ok(None) };
        let content = content.resized(scale.extent.0, scale.extent.1)?;
        Ok(Some(if self.settings.colour == Colour::Luminance { content.grey()? } else { content }))
    }

    pub(super) fn targets(&self, scale: &Scale, content: Option<&Image>) -> Result<Targets, Error> {
        let mut targets = Targets { objective: Objective::new(), content: Vec::new(), style: Vec::new() };
        if let Some(content) = content.filter(|_| self.settings.content_weight > 0.0) {
            self.add_content(&mut targets, content)?;
        }
        if self.settings.style_weight > 0.0 && !self.styles.is_empty() {
            self.add_styles(&mut targets, scale)?;
        }
        if self.settings.tv_weight > 0.0 {
            let Settings { tv_weight, tv_form, .. } = *self.settings;
            targets.objective = targets.objective.with_total_variation(tv_weight, tv_form);
        }
        Ok(targets)
    }

    fn add_content(&self, targets: &mut Targets, content: &Image) -> Result<(), Error> {
        let layers = &self.settings.content_layers;
        let maps = self.vgg.features(image_to_tensor(content, self.vgg.device()), layers)?;
        targets.content = layers.iter().copied().zip(maps.clone()).collect();
        targets.objective = std::mem::take(&mut targets.objective).with_contents(self.settings, maps);
        Ok(())
    }

    fn add_styles(&self, targets: &mut Targets, scale: &Scale) -> Result<(), Error> {
        let looks = self.styles.iter().map(|style| self.look(style, scale)).collect::<Result<Vec<_>, _>>()?;
        let everywhere: Vec<usize> = (0..looks.len()).filter(|&i| self.styles[i].region.is_none()).collect();
        self.add_blend(targets, &everywhere, &looks, None)?;
        let regions = self.styles.iter().enumerate().filter_map(|(i, style)| Some((i, style.region?)));
        for (number, (index, mask)) in regions.enumerate() {
            self.add_blend(targets, &[index], &looks, Some((number + 1, mask, scale)))?;
        }
        Ok(())
    }

    /// Adds the loss of a blend of styles at every layer at which they have a weight.
    fn add_blend(
        &self,
        targets: &mut Targets,
        members: &[usize],
        looks: &[Looks],
        region: Option<(usize, &Mask, &Scale)>,
    ) -> Result<(), Error> {
        let whole: f32 = members.iter().map(|&i| self.styles[i].weight).sum();
        for (at, (&layer, factor)) in
            self.settings.style_layers.iter().zip(self.settings.layer_weights()).enumerate()
        {
            let sum: f32 = members.iter().map(|&i| self.styles[i].weight_at(at)).sum();
            if sum <= 0.0 || factor <= 0.0 {
                continue;
            }
            let shares = || members.iter().map(|&i| (self.styles[i].weight_at(at) / sum, &looks[i]));
            let loss = self.settings.style_loss.target(
                shares().map(|(share, looks)| (share, looks.seen[at].clone())).collect(),
                self.settings.seed.wrapping_add(at as u64),
            )?;
            let grams = shares().map(|(share, looks)| looks.grams[at].clone().mul_scalar(share));
            let Some(gram) = grams.reduce(|a, b| a + b) else { continue };
            // A region's share of the picture is its share of the weight: pixels are pulled as without regions.
            let (strength, guide) = match region {
                None => (sum / whole.max(f32::MIN_POSITIVE), None),
                Some((number, mask, scale)) => {
                    let guide = Guide::new(mask, map_size(layer, scale), layer, self.vgg.device())?;
                    (sum * mask.share(), Some((number, guide)))
                }
            };
            let unit = self.settings.style_loss.unit(&gram)?;
            let weight = self.settings.style_weight * factor * strength * unit;
            targets.objective.push_style(layer, weight, loss, guide.clone());
            targets.style.push((Place { layer, region: guide }, gram));
        }
        Ok(())
    }

    /// What the network sees in a style, at a scale.
    fn look(&self, style: &Style<'_>, scale: &Scale) -> Result<Looks, Error> {
        let side = (self.settings.size as f64 * scale.share).round() as usize;
        match (style.source, style.known_at(self.settings, self.vgg, side)) {
            (Source::File(file), _) | (Source::Picture(_), Some(file)) => self.look_into_file(file, side),
            (Source::Picture(picture), None) => {
                let picture = self.style_picture(style, picture, scale)?;
                self.look_at(&picture, style.part)
            }
        }
    }

    /// The statistics of a style at every scale, with the long side of the result that they are for.
    pub(super) fn style_statistics(&self, style: &Style<'_>) -> Result<StyleAtScales, Error> {
        let settings = self.settings;
        let Source::Picture(picture) = style.source else {
            return Err(Error::setting("the style", "a style file already", "a picture"));
        };
        let full = style.extent(settings.size).unwrap_or_default();
        let at = |scale: Scale| {
            let picture = self.style_picture(style, picture, &scale)?;
            let looks = self.look_at(&picture, style.part)?;
            let statistics = looks.seen.into_iter().map(Seen::statistics).collect::<Result<Vec<_>, _>>()?;
            let side = (settings.size as f64 * scale.share).round() as usize;
            Ok((side, settings.style_layers.iter().copied().zip(statistics).collect()))
        };
        scales(settings, full, &[full], self.vgg).into_iter().map(at).collect()
    }

    fn look_into_file(&self, file: &StyleFile, side: usize) -> Result<Looks, Error> {
        let layers = &self.settings.style_layers;
        let statistics = layers.iter().map(|&layer| file.statistics(layer, side, self.vgg.device()));
        let statistics = statistics.collect::<Result<Vec<Statistics>, _>>()?;
        let grams = statistics.iter().map(|statistics| statistics.gram.clone()).collect();
        Ok(Looks { seen: statistics.into_iter().map(Seen::Statistics).collect(), grams })
    }

    /// A style picture at a scale, in the colours that the run works in.
    fn style_picture(&self, style: &Style<'_>, picture: &Image, scale: &Scale) -> Result<Image, Error> {
        let full = style.extent(self.settings.size).unwrap_or((picture.width(), picture.height()));
        let (width, height) = scale.shrink(full);
        let picture = picture.resized(width, height)?;
        let Some(content) = self.content else { return Ok(picture) };
        Ok(match self.settings.colour.matching() {
            Some(how) => picture.with_colours_of(content, how)?,
            None if self.settings.colour == Colour::Luminance => picture.grey_with_mean_of(content)?,
            None => picture,
        })
    }

    fn look_at(&self, picture: &Image, part: Option<&Mask>) -> Result<Looks, Error> {
        let layers = &self.settings.style_layers;
        let needs_map = part.is_some() || self.settings.style_loss.needs_features();
        let taps = Taps::new().with_statistics(layers.iter().copied());
        let taps = if needs_map { taps.with_features(layers.iter().copied()) } else { taps };
        let pass = self.vgg.forward(image_to_tensor(picture, self.vgg.device()), &taps)?;
        let mut looks = Looks { seen: Vec::new(), grams: Vec::new() };
        for &layer in layers {
            let features = || pass.features(layer).cloned();
            let guide = part
                .map(|mask| {
                    let [_, _, height, width] = features()?.dims();
                    Guide::new(mask, [height, width], layer, self.vgg.device())
                })
                .transpose()?;
            let statistics = match &guide {
                Some(guide) => guide.statistics(features()?)?,
                None => pass.statistics(layer)?.clone(),
            };
            looks.grams.push(statistics.gram.clone());
            looks.seen.push(match (&guide, self.settings.style_loss.needs_features()) {
                (_, false) => Seen::Statistics(statistics),
                (None, true) => Seen::Features(features()?),
                (Some(guide), true) => Seen::Features(guide.select(features()?)?),
            });
        }
        Ok(looks)
    }
}

impl Targets {
    /// How near a picture came, apart from what needs pixels.
    pub(super) fn metrics(&self, vgg: &Vgg, image: Tensor<4>) -> Result<Metrics, Error> {
        let places: Vec<Layer> = self.style.iter().map(|(place, _)| place.layer).collect();
        let guided = self.style.iter().filter(|(place, _)| place.region.is_some());
        let maps = self.content.iter().map(|(layer, _)| *layer).chain(guided.map(|(place, _)| place.layer));
        let taps = Taps::new().with_features(maps).with_statistics(places);
        let mut metrics = Metrics::default();
        if taps == Taps::new() {
            return Ok(metrics);
        }
        let pass = vgg.forward(image, &taps)?;
        for (layer, target) in &self.content {
            let distance = measure(pass.features(*layer)?.clone(), target.clone())?;
            metrics.content_distance.push(LayerDistance { layer: *layer, region: None, distance });
        }
        for (Place { layer, region }, target) in &self.style {
            let gram = match region {
                Some((_, guide)) => guide.statistics(pass.features(*layer)?.clone())?.gram,
                None => pass.statistics(*layer)?.gram.clone(),
            };
            let region = region.as_ref().map(|(number, _)| *number);
            let distance = measure(gram, target.clone())?;
            metrics.style_distance.push(LayerDistance { layer: *layer, region, distance });
        }
        Ok(metrics)
    }
}

/// `[height, width]` of a layer's map at a scale.
fn map_size(layer: Layer, scale: &Scale) -> [usize; 2] {
    let poolings = layer.position().0 - 1;
    [scale.extent.1 >> poolings, scale.extent.0 >> poolings]
}

fn measure<const D: usize>(of: Tensor<D>, target: Tensor<D>) -> Result<f32, Error> {
    let distance = read(normalised_distance(of, target)?, "measuring the result")?;
    Ok(distance.first().copied().unwrap_or(f32::NAN))
}
