//! A plain network in double precision, to compare the encoder with.
//!
//! Rounding decides which way a ReLU or a maximum close to a tie falls, and then whole gradients differ.
//! So the reference takes every decision from the encoder's own maps: a second plan with taps everywhere
//! gives them, in the same bytes as the plan under test computed them. What remains is arithmetic, which
//! can be held to a few parts in a million.

#![allow(dead_code, unreachable_pub, missing_docs)] // every test file uses another part

use rayon::prelude::*;
use style_kernels::{Convolution, Derivative, Encoder, Isa, Options, Padding, Pooling, Tap};

/// One convolution with its own weights.
pub struct Layer {
    pub inputs: usize,
    pub outputs: usize,
    pub pooled: bool,
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
}

/// A stack of convolutions and what else the encoder needs to know.
pub struct Network {
    pub layers: Vec<Layer>,
    pub options: Options,
    pub gain: f32,
}

/// A map of one picture in planes.
#[derive(Clone)]
pub struct Map {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub values: Vec<f64>,
}

/// Reproducible random numbers.
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [-1, 1).
    pub fn value(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    }

    pub fn values(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.value()).collect()
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[(self.bits() % of.len() as u64) as usize]
    }

    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + (self.bits() % (most - least + 1) as u64) as usize
    }
}

/// Every instruction set of this machine.
pub fn instruction_sets() -> Vec<Isa> {
    let here = |isa: &Isa| {
        let options = Options { isa: *isa, ..Options::default() };
        Network::random(&mut Random(1), &[(1, 1, false)], options).try_encoder().is_ok()
    };
    [Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Portable].into_iter().filter(here).collect()
}

impl Layer {
    pub fn convolution(&self) -> Convolution<'_> {
        let Self { inputs, outputs, pooled, .. } = *self;
        Convolution { inputs, outputs, weight: &self.weight, bias: &self.bias, pooled }
    }
}

impl Network {
    pub fn random(random: &mut Random, shapes: &[(usize, usize, bool)], options: Options) -> Self {
        let layer = |&(inputs, outputs, pooled): &(usize, usize, bool)| {
            let size = (6.0 / (9 * inputs) as f32).sqrt();
            let weight = random.values(inputs * outputs * 9).into_iter().map(|w| w * size).collect();
            let bias = random.values(outputs).into_iter().map(|b| b * 0.2).collect();
            Layer { inputs, outputs, pooled, weight, bias }
        };
        Self { layers: shapes.iter().map(layer).collect(), options, gain: 1.0 }
    }

    pub fn vgg19() -> Self {
        let file = style_format::VggFile::parse(style_weights::VGG19).unwrap();
        let layer = |c: &style_format::ConvolutionWeights| Layer {
            inputs: c.convolution().inputs(),
            outputs: c.convolution().outputs(),
            pooled: c.convolution().starts_block(),
            weight: c.weight().to_f32(),
            bias: c.bias().to_vec(),
        };
        let options =
            Options { scale: vec![255.0; 3], shift: vec![-104.0, -117.0, -124.0], ..Options::default() };
        Self { layers: file.convolutions().iter().map(layer).collect(), options, gain: 1.0 }
    }

    pub fn try_encoder(&self) -> Result<Encoder, style_kernels::KernelError> {
        let network: Vec<Convolution<'_>> = self.layers.iter().map(Layer::convolution).collect();
        Ok(Encoder::new(&network, &self.options)?.with_pooling_gain(self.gain))
    }

    pub fn encoder(&self) -> Encoder {
        self.try_encoder().unwrap()
    }

    /// Taps of every feature map.
    pub fn all_features(&self) -> Vec<Tap> {
        (0..self.layers.len()).map(Tap::features).collect()
    }

    fn scale(&self, channel: usize) -> f64 {
        self.options.scale.get(channel).map_or(1.0, |&s| f64::from(s))
    }

    /// What the first convolution sees: transformed, with its border.
    pub fn bordered(&self, image: &Map) -> Map {
        let (height, width) = (image.height + 2, image.width + 2);
        let mut values = Vec::with_capacity(image.channels * height * width);
        for c in 0..image.channels {
            let shift = self.options.shift.get(c).map_or(0.0, |&s| f64::from(s));
            for y in 0..height {
                for x in 0..width {
                    let inside = (1..=image.height).contains(&y) && (1..=image.width).contains(&x);
                    let (from_y, from_x) = self.pixel(y, x, image);
                    let pixel = image.values[(c * image.height + from_y) * image.width + from_x];
                    // The encoder rounds the transformed pixel once.
                    let pixel = f64::from((pixel * self.scale(c)) as f32 + shift as f32);
                    values.push(if inside || self.options.padding != Padding::Zero { pixel } else { 0.0 });
                }
            }
        }
        Map { channels: image.channels, height, width, values }
    }

    /// The pixel that stands at a place of the bordered planes.
    fn pixel(&self, y: usize, x: usize, image: &Map) -> (usize, usize) {
        let of = |at: usize, size: usize| {
            let at = at as isize - 1;
            if self.options.padding == Padding::Reflect && size > 1 {
                let last = size as isize - 1;
                (last - (last - at.abs()).abs()) as usize
            } else {
                at.clamp(0, size as isize - 1) as usize
            }
        };
        (of(y, image.height), of(x, image.width))
    }

    /// The gradient of the picture from the gradient of the bordered planes.
    fn unbordered(&self, planes: &Map, image: &Map) -> Map {
        let mut gradient = Map { values: vec![0.0; image.values.len()], ..*image };
        for c in 0..image.channels {
            for y in 0..planes.height {
                for x in 0..planes.width {
                    let inside = (1..=image.height).contains(&y) && (1..=image.width).contains(&x);
                    if inside || self.options.padding != Padding::Zero {
                        let (to_y, to_x) = self.pixel(y, x, image);
                        gradient.values[(c * image.height + to_y) * image.width + to_x] +=
                            planes.values[(c * planes.height + y) * planes.width + x] * self.scale(c);
                    }
                }
            }
        }
        gradient
    }

    /// What convolution `index` gives before its ReLU, for the encoder's own map before it.
    pub fn convolve(&self, index: usize, image: &Map, maps: &[Map]) -> Map {
        let layer = &self.layers[index];
        let bordered = match index {
            0 => self.bordered(image),
            _ if layer.pooled => zero_bordered(&self.pool(&maps[index - 1])),
            _ => zero_bordered(&maps[index - 1]),
        };
        convolve(&bordered, layer.outputs, &layer.bias, |o, i, tap| {
            f64::from(layer.weight[(o * layer.inputs + i) * 9 + tap])
        })
    }

    pub fn pool(&self, map: &Map) -> Map {
        let mut pooled =
            Map { channels: map.channels, height: map.height / 2, width: map.width / 2, values: Vec::new() };
        for c in 0..map.channels {
            for y in 0..pooled.height {
                for x in 0..pooled.width {
                    let four = map.window(c, y, x);
                    let value = match self.options.pooling {
                        Pooling::Max => four.into_iter().fold(f64::NEG_INFINITY, f64::max),
                        Pooling::Average => f64::from(
                            ((four[0] as f32 + four[1] as f32) + (four[2] as f32 + four[3] as f32)) * 0.25,
                        ),
                        Pooling::L2 => norm(four),
                    };
                    pooled.values.push(value * f64::from(self.gain));
                }
            }
        }
        pooled
    }

    /// The gradient of a map, before its ReLU's mask, from that of its pool.
    fn unpool(&self, pooled: &Map, map: &Map) -> Map {
        let mut gradient = Map { values: vec![0.0; map.values.len()], ..*map };
        for c in 0..map.channels {
            for y in 0..pooled.height {
                for x in 0..pooled.width {
                    let g = pooled.values[(c * pooled.height + y) * pooled.width + x] * f64::from(self.gain);
                    let four = map.window(c, y, x);
                    let largest = four.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    let first = four.iter().position(|&v| v == largest);
                    for i in 0..4 {
                        let to = (c * map.height + 2 * y + i / 2) * map.width + 2 * x + i % 2;
                        gradient.values[to] = match self.options.pooling {
                            Pooling::Max if first == Some(i) => g,
                            Pooling::Max => 0.0,
                            Pooling::Average => g / 4.0,
                            Pooling::L2 if norm(four) == 0.0 => 0.0,
                            Pooling::L2 => g * four[i] / norm(four),
                        };
                    }
                }
            }
        }
        gradient
    }

    /// The gradient of one picture; `maps` are the encoder's feature maps, `enter` gives the derivative that
    /// enters at a feature map, `enter_before` that before the ReLU.
    pub fn backward(
        &self,
        image: &Map,
        maps: &[Map],
        enter: impl Fn(usize, &Map) -> Option<Vec<f64>>,
        enter_before: impl Fn(usize) -> Option<Vec<f64>>,
    ) -> Map {
        let mut above: Option<Map> = None;
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let map = &maps[index];
            let mut gradient = match above {
                None => Map { values: vec![0.0; map.values.len()], ..*map },
                Some(above) if self.layers[index + 1].pooled => self.unpool(&above, map),
                Some(above) => above,
            };
            if let Some(enter) = enter(index, map) {
                gradient.values.iter_mut().zip(enter).for_each(|(g, e)| *g += e);
            }
            gradient.values.iter_mut().zip(&map.values).for_each(|(g, &y)| {
                if y <= 0.0 {
                    *g = 0.0;
                }
            });
            if let Some(enter) = enter_before(index) {
                gradient.values.iter_mut().zip(enter).for_each(|(g, e)| *g += e);
            }
            let weight = |o: usize, i: usize, tap: usize| {
                f64::from(layer.weight[(i * layer.inputs + o) * 9 + 8 - tap])
            };
            if index == 0 {
                // Every position of the bordered planes gets a gradient.
                let wider = zero_bordered(&zero_bordered(&gradient));
                let planes = convolve(&wider, layer.inputs, &[], weight);
                return self.unbordered(&planes, image);
            }
            above = Some(convolve(&zero_bordered(&gradient), layer.inputs, &[], weight));
        }
        unreachable!("a network has a first convolution")
    }
}

/// The root of the sum of squares.
fn norm(four: [f64; 4]) -> f64 {
    four.iter().map(|v| v * v).sum::<f64>().sqrt()
}

fn zero_bordered(map: &Map) -> Map {
    let (height, width) = (map.height + 2, map.width + 2);
    let mut values = vec![0.0; map.channels * height * width];
    for c in 0..map.channels {
        for y in 0..map.height {
            let from = &map.values[(c * map.height + y) * map.width..][..map.width];
            values[(c * height + y + 1) * width + 1..][..map.width].copy_from_slice(from);
        }
    }
    Map { channels: map.channels, height, width, values }
}

/// The sum as it is written, over a map with its border.
fn convolve(
    bordered: &Map,
    outputs: usize,
    bias: &[f32],
    weight: impl Fn(usize, usize, usize) -> f64 + Sync,
) -> Map {
    let (height, width) = (bordered.height - 2, bordered.width - 2);
    let mut values = vec![0.0; outputs * height * width];
    values.par_chunks_mut((height * width).max(1)).enumerate().for_each(|(o, plane)| {
        plane.fill(bias.get(o).map_or(0.0, |&b| f64::from(b)));
        for i in 0..bordered.channels {
            let taps: [f64; 9] = std::array::from_fn(|tap| weight(o, i, tap));
            for (y, row) in plane.chunks_exact_mut(width).enumerate() {
                for ky in 0..3 {
                    let from =
                        &bordered.values[(i * bordered.height + y + ky) * bordered.width..][..width + 2];
                    for (x, sum) in row.iter_mut().enumerate() {
                        *sum += taps[3 * ky] * from[x]
                            + taps[3 * ky + 1] * from[x + 1]
                            + taps[3 * ky + 2] * from[x + 2];
                    }
                }
            }
        }
    });
    Map { channels: outputs, height, width, values }
}

impl Map {
    /// Picture `picture` of a batch in planes.
    pub fn of(values: &[f32], [_, channels, height, width]: [usize; 4], picture: usize) -> Self {
        let len = channels * height * width;
        let values = values[picture * len..][..len].iter().map(|&v| f64::from(v)).collect();
        Self { channels, height, width, values }
    }

    fn window(&self, c: usize, y: usize, x: usize) -> [f64; 4] {
        std::array::from_fn(|i| self.values[(c * self.height + 2 * y + i / 2) * self.width + 2 * x + i % 2])
    }

    pub fn relu(mut self) -> Self {
        self.values.iter_mut().for_each(|v| *v = v.max(0.0));
        self
    }

    pub fn norm(&self) -> f64 {
        self.values.iter().map(|v| v * v).sum::<f64>().sqrt()
    }

    pub fn positions(&self) -> usize {
        self.height * self.width
    }

    /// `F F^T / M` and the mean.
    pub fn statistics(&self) -> (Vec<f64>, Vec<f64>) {
        let rows: Vec<&[f64]> = self.values.chunks_exact(self.positions()).collect();
        let scale = 1.0 / self.positions() as f64;
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() * scale;
        let gram = rows.iter().flat_map(|a| rows.iter().map(|b| dot(a, b)).collect::<Vec<_>>()).collect();
        (rows.iter().map(|row| row.iter().sum::<f64>() * scale).collect(), gram)
    }

    /// The derivative that `dL/dG` and `dL/dmean` give at every value.
    pub fn style_gradient(&self, gram: &[f32], mean: &[f32]) -> Vec<f64> {
        let (n, m) = (self.channels, self.positions());
        let mut gradient = vec![0.0; n * m];
        gradient.par_chunks_mut(m).enumerate().for_each(|(i, row)| {
            row.fill(f64::from(mean[i]) / m as f64);
            for (j, from) in self.values.chunks_exact(m).enumerate() {
                let d = (f64::from(gram[i * n + j]) + f64::from(gram[j * n + i])) / m as f64;
                row.iter_mut().zip(from).for_each(|(g, f)| *g += d * f);
            }
        });
        gradient
    }
}

/// `|found - expected| / |expected|`, Euclidean.
pub fn relative_error(found: &[f32], expected: &[f64]) -> f64 {
    let norm = expected.iter().map(|e| e * e).sum::<f64>().sqrt();
    difference(found, expected) / if norm == 0.0 { 1.0 } else { norm }
}

/// `|found - expected|`, Euclidean.
pub fn difference(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(&f, e)| (f64::from(f) - e).powi(2)).sum::<f64>().sqrt()
}

/// The feature maps of all convolutions, as the encoder computes them, of every picture.
pub fn feature_maps(network: &Network, encoder: &Encoder, image: &[f32], shape: [usize; 3]) -> Vec<Vec<Map>> {
    let [batch, height, width] = shape;
    let mut plan = encoder.plan(batch, height, width, &network.all_features()).unwrap();
    plan.forward(image).unwrap();
    let whole: Vec<(Vec<f32>, [usize; 4])> = (0..network.layers.len())
        .map(|convolution| {
            let shape = plan.shape(convolution).unwrap();
            let mut map = vec![f32::NAN; shape.iter().product()];
            plan.features(convolution, &mut map).unwrap();
            (map, shape)
        })
        .collect();
    (0..batch)
        .map(|picture| whole.iter().map(|(map, shape)| Map::of(map, *shape, picture)).collect())
        .collect()
}

/// Owned derivatives.
#[derive(Default, Clone)]
pub struct Given {
    pub gram: Option<Vec<f32>>,
    pub mean: Option<Vec<f32>>,
    pub features: Option<Vec<f32>>,
    pub pre_activation: Option<Vec<f32>>,
}

impl Given {
    pub fn list(all: &[Self]) -> Vec<Derivative<'_>> {
        let mut list = Vec::new();
        for (convolution, given) in all.iter().enumerate() {
            if let Some(values) = &given.gram {
                list.push(Derivative::Gram { convolution, values });
            }
            if let Some(values) = &given.mean {
                list.push(Derivative::Mean { convolution, values });
            }
            if let Some(values) = &given.features {
                list.push(Derivative::Features { convolution, values });
            }
            if let Some(values) = &given.pre_activation {
                list.push(Derivative::PreActivation { convolution, values });
            }
        }
        list
    }

    /// What enters at the map of one picture.
    pub fn enter(&self, picture: usize, map: &Map) -> Vec<f64> {
        let (n, m) = (map.channels, map.positions());
        let part = |values: &Option<Vec<f32>>, len: usize| {
            values.as_ref().map_or(vec![0.0; len], |values| values[picture * len..][..len].to_vec())
        };
        let mut sum = if self.gram.is_some() || self.mean.is_some() {
            map.style_gradient(&part(&self.gram, n * n), &part(&self.mean, n))
        } else {
            vec![0.0; n * m]
        };
        sum.iter_mut().zip(part(&self.features, n * m)).for_each(|(sum, f)| *sum += f64::from(f));
        sum
    }

    /// What enters before the ReLU of one picture.
    pub fn enter_before(&self, picture: usize, len: usize) -> Option<Vec<f64>> {
        let values = self.pre_activation.as_ref()?;
        Some(values[picture * len..][..len].iter().map(|&v| f64::from(v)).collect())
    }
}
