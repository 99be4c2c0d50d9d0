//! The line search of L-BFGS on pictures: one evaluation in, the next trial out.

use burn::tensor::{Device, Tensor};

use super::history::{History, Pair, dot};
use super::wolfe::{Found, Verdict, Wolfe};
use crate::checkpoint::Kept;
use crate::convert::read;
use crate::statistics::same_shape;
use crate::{Error, Evaluation};

/// Between two calls: the search under way, none before the first.
#[derive(Debug, Clone, Default)]
pub(super) struct Searching {
    /// One over the largest absolute value of the first gradient: in this unit losses and gradients are compared, so
    /// that squares of gradients neither overflow nor vanish whatever the scale of the loss.
    unit: f32,
    search: Option<Search>,
}

/// A picture with the objective there, in the unit of the search.
#[derive(Debug, Clone)]
struct Place {
    image: Tensor<4>,
    gradient: Tensor<4>,
    loss: f64,
}

/// A search along a direction.
#[derive(Debug, Clone)]
struct Search {
    origin: Place,
    direction: Tensor<4>,
    /// The trial that was answered last, which the caller may have clamped.
    asked: Tensor<4>,
    /// Begins with the first trial, together with which the slope at the origin is read.
    wolfe: Option<Wolfe>,
    /// The lowest trial so far, with the products of its pair.
    best: Option<(Place, [f32; 3])>,
}

impl Searching {
    pub(super) fn step(
        &mut self,
        history: &mut History,
        rate: f32,
        image: Tensor<4>,
        evaluation: Evaluation,
    ) -> Result<Tensor<4>, Error> {
        if let Some(search) = &self.search {
            same_shape("the picture", &image, &search.origin.image)?;
        }
        let Some(mut search) = self.search.take() else {
            return self.begin(history, rate, image, evaluation);
        };
        let Evaluation { losses, gradient } = evaluation;
        let mut here = Place { image, gradient: gradient.mul_scalar(self.unit), loss: 0.0 };
        let (found, start_slope, products) = search.measure(&here, losses.sum(), self.unit)?;
        here.loss = found.loss;
        let wolfe = search.wolfe.get_or_insert_with(|| Wolfe::new(search.origin.loss, start_slope));
        let (place, products) = match wolfe.tell(found) {
            Verdict::Try { step, best } => {
                if best {
                    search.best = Some((here, products));
                }
                let asked = search.origin.image.clone() + search.direction.clone().mul_scalar(step as f32);
                search.asked = asked.clone();
                self.search = Some(search);
                return Ok(asked);
            }
            Verdict::Accept => (here, products),
            Verdict::GiveUp => {
                let Some(best) = search.best.take() else { return Ok(search.origin.image) };
                best
            }
        };
        if products[2] > 0.0 {
            history.remember(search.origin.pair(&place), products);
        } else {
            // Every pixel that the direction would move is held by the caller's clamp: it leads nowhere.
            history.clear();
        }
        Ok(self.go_on(history, rate, place))
    }

    /// Adds the search under way to a checkpoint.
    pub(super) fn keep(&self, kept: &mut Kept) {
        kept.put_numbers("search", [self.unit]);
        let Some(Search { origin, direction, asked, wolfe, best }) = &self.search else { return };
        origin.keep("search.origin", kept);
        kept.put("search.direction", direction);
        kept.put("search.asked", asked);
        if let Some(wolfe) = wolfe {
            let (numbers, far) = wolfe.to_numbers();
            kept.put_numbers("search.wolfe", numbers);
            if let Some(far) = far {
                kept.put_numbers("search.wolfe.far", far);
            }
        }
        if let Some((place, products)) = best {
            place.keep("search.best", kept);
            kept.put_numbers("search.best.products", *products);
        }
    }

    /// Goes on with the search of a checkpoint.
    pub(super) fn restore(&mut self, kept: &Kept, shape: [usize; 4], device: &Device) -> Result<(), Error> {
        let [unit] = kept.array("search")?;
        self.unit = unit as f32;
        if !kept.has("search.asked") {
            return Ok(());
        }
        let far = kept.find("search.wolfe.far").map(|_| kept.array("search.wolfe.far")).transpose()?;
        let wolfe = kept.find("search.wolfe").map(|_| kept.array("search.wolfe")).transpose()?;
        let best = kept.find("search.best.products").map(|_| {
            let products = kept.array("search.best.products")?.map(|product| product as f32);
            Ok::<_, Error>((Place::restored("search.best", kept, shape, device)?, products))
        });
        self.search = Some(Search {
            origin: Place::restored("search.origin", kept, shape, device)?,
            direction: kept.tensor("search.direction", shape, device)?,
            asked: kept.tensor("search.asked", shape, device)?,
            wolfe: wolfe.map(|numbers| Wolfe::from_numbers(numbers, far)),
            best: best.transpose()?,
        });
        Ok(())
    }

    /// The first call, and the first after a search in vain: along the bare gradient, in a unit of its own.
    fn begin(
        &mut self,
        history: &mut History,
        rate: f32,
        image: Tensor<4>,
        evaluation: Evaluation,
    ) -> Result<Tensor<4>, Error> {
        history.clear();
        let Evaluation { losses, gradient } = evaluation;
        let both = Tensor::cat(vec![losses.sum(), gradient.clone().abs().max()], 0);
        let &[loss, largest] = &read(both, "measuring the first gradient")?[..] else { return Ok(image) };
        if !loss.is_finite() {
            return Ok(image); // no direction can be judged from here; the loss itself tells the caller
        }
        self.unit = largest.max(f32::MIN_POSITIVE).recip();
        let loss = f64::from(loss) * f64::from(self.unit);
        let gradient = gradient.mul_scalar(self.unit);
        Ok(self.go_on(history, rate, Place { image, gradient, loss }))
    }

    /// The first trial of the search from a place.
    fn go_on(&mut self, history: &History, rate: f32, origin: Place) -> Tensor<4> {
        let direction = history.change(origin.gradient.clone()).mul_scalar(-rate);
        let asked = origin.image.clone() + direction.clone();
        self.search = Some(Search { origin, direction, asked: asked.clone(), wolfe: None, best: None });
        asked
    }
}

impl Place {
    fn keep(&self, name: &str, kept: &mut Kept) {
        kept.put(format!("{name}.image"), &self.image);
        kept.put(format!("{name}.gradient"), &self.gradient);
        kept.put_numbers(name, [self.loss]);
    }

    fn restored(name: &str, kept: &Kept, shape: [usize; 4], device: &Device) -> Result<Self, Error> {
        let [loss] = kept.array(name)?;
        let tensor = |part: &str| kept.tensor(&format!("{name}.{part}"), shape, device);
        Ok(Self { image: tensor("image")?, gradient: tensor("gradient")?, loss })
    }

    /// The step from here to there.
    fn pair(&self, there: &Self) -> Pair {
        Pair {
            moved: there.image.clone() - self.image.clone(),
            changed: there.gradient.clone() - self.gradient.clone(),
        }
    }
}

impl Search {
    /// What the search has to know of a trial, the slope at the origin, and the products of the trial's pair.
    fn measure(&self, here: &Place, loss: Tensor<1>, unit: f32) -> Result<(Found, f64, [f32; 3]), Error> {
        let pair = self.origin.pair(here);
        // Where the caller clamped, the picture follows the line no further; what did not move at all never did.
        let follows = here.image.clone().equal(self.asked.clone()).float();
        let moves = pair.moved.clone().not_equal_elem(0.0).float();
        let slope = dot(&here.gradient, &(self.direction.clone() * follows));
        let start_slope = dot(&self.origin.gradient, &(self.direction.clone() * moves));
        let promised = dot(&self.origin.gradient, &pair.moved);
        let [ys, yy, ss] = pair.products();
        let scalars = Tensor::cat(vec![loss, slope, start_slope, promised, ys, yy, ss], 0);
        let scalars = read(scalars, "measuring a trial")?;
        let [loss, slope, start_slope, promised, ys, yy, ss] = scalars[..] else {
            let reason = format!("{} numbers came back instead of 7", scalars.len());
            return Err(Error::Device { doing: "measuring a trial", reason });
        };
        // A gradient that is NaN where the picture does not follow shows in <y, y> alone.
        let slope = if yy.is_finite() { f64::from(slope) } else { f64::NAN };
        let loss = f64::from(loss) * f64::from(unit);
        Ok((Found { loss, slope, promised: f64::from(promised) }, f64::from(start_slope), [ys, yy, ss]))
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
