//! One device being examined.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{Tensor, TensorData};

use super::case::Case;
use super::check::{Check, CheckKind, Precision};
use super::measure::{largest_error, pixel_error, relative_error};
use super::timing::layer_seconds;
use super::verdict::Verdict;
use super::{Diagnosis, Doctor};
use crate::convert::read;
use crate::error::words_of;
use crate::{Error, Losses, Pass, Vgg, gram_matrix};

/// What the device is at, and what was found until then.
pub(super) struct Examination<'a> {
    doctor: &'a Doctor,
    subject: &'a Vgg,
    doing: String,
    observer: &'a mut dyn FnMut(&str),
    checks: Vec<Check>,
    curve: Vec<[f32; 2]>,
}

impl<'a> Examination<'a> {
    /// Asks the device everything; whatever it does, there is a diagnosis.
    pub(super) fn of(doctor: &'a Doctor, subject: &'a Vgg, observer: &'a mut dyn FnMut(&str)) -> Diagnosis {
        let mut examination =
            Self { doctor, subject, doing: String::new(), observer, checks: Vec::new(), curve: Vec::new() };
        let end = guarded(|| examination.everything());
        let Self { doing, checks, curve, .. } = examination;
        let verdict = Verdict::of(&checks, end.err().map(|reason| (doing, reason)));
        let (device, kernel) = (format!("{:?}", subject.device()), subject.kernel());
        Diagnosis { device, kernel, size: doctor.case.size(), checks, curve, verdict }
    }

    /// Remembers what comes next, and tells it.
    fn begin(&mut self, doing: impl ToString) {
        self.doing = doing.to_string();
        (self.observer)(&self.doing);
    }

    fn everything(&mut self) -> Result<(), Error> {
        self.begin("forward pass");
        let case = &self.doctor.case;
        let pass = self.subject.forward(case.picture(self.subject.device()), &case.taps())?;
        self.layers(&pass)?;
        drop(pass);
        let precision = Precision::of(&self.checks);
        for (question, expected) in &self.doctor.expected {
            self.begin(question);
            let found = question.ask(case, self.subject)?;
            self.checks.push(question.check(&found, expected, precision));
        }
        self.run(case, precision)
    }

    /// Every layer and every Gram matrix, from one pass.
    fn layers(&mut self, pass: &Pass) -> Result<(), Error> {
        let Doctor { case, reference, .. } = self.doctor;
        self.begin("seconds of single layers");
        let seconds = layer_seconds(case, self.subject, pass)?;
        let (mut input, mut grams) = (case.picture(reference.device()), Vec::new());
        for (index, &layer) in case.layers.iter().enumerate() {
            self.begin(format!("layer {layer}"));
            let map = pass.features(layer)?;
            let (shape, found) = (map.dims(), read(map.clone(), "reading a map")?);
            let expected = read(reference.one_layer(layer, input)?, "reading the reference")?;
            let error = relative_error(&found, &expected);
            let check = Check::new(CheckKind::Layer, layer, error, Precision::Float32);
            self.checks.push(check.timed(seconds[index], self.doctor.layer_seconds[index]));
            input = Tensor::from_data(TensorData::new(found, shape), reference.device());
            if case.settings.style_layers.contains(&layer) {
                let found = read(pass.statistics(layer)?.gram.clone(), "reading a Gram matrix")?;
                let expected = read(gram_matrix(input.clone()), "reading the reference")?;
                let error = relative_error(&found, &expected);
                grams.push(Check::new(CheckKind::Gram, layer, error, Precision::Float32));
            }
        }
        self.checks.extend(grams);
        Ok(())
    }

    /// Twenty steps.
    fn run(&mut self, case: &Case, precision: Precision) -> Result<(), Error> {
        let expected = &self.doctor.course;
        self.begin(expected.name());
        let found = Course::of(case, self.subject)?;
        self.curve = found.curve.iter().zip(&expected.curve).map(|(&a, &b)| [a, b]).collect();
        let steps = expected.steps();
        let error = largest_error(&found.curve, &expected.curve);
        let check = Check::new(CheckKind::Curve, format!("loss over {steps} steps"), error, precision);
        self.checks.push(check.timed(found.seconds, expected.seconds));
        let error = pixel_error(&found.picture, &expected.picture);
        let name = format!("picture after {steps} steps");
        self.checks.push(Check::new(CheckKind::Picture, name, error, precision));
        Ok(())
    }
}

/// A run's course.
#[derive(Debug)]
pub(super) struct Course {
    /// The loss before every step, and of the result.
    curve: Vec<f32>,
    picture: Vec<f32>,
    /// Of all steps.
    seconds: f64,
}

impl Course {
    pub(super) fn of(case: &Case, vgg: &Vgg) -> Result<Self, Error> {
        let outcome = case.run(vgg)?;
        let curve = outcome.history().iter().map(Losses::total).collect();
        let seconds = outcome.seconds().last().copied().unwrap_or_default();
        Ok(Self { curve, picture: outcome.image().to_planar(), seconds })
    }

    fn steps(&self) -> usize {
        self.curve.len() - 1
    }

    fn name(&self) -> String {
        format!("run of {} steps", self.steps())
    }
}

/// The one place of the doctor where a panic ends: backends panic where a device is lost, a kernel cannot be compiled or memory is at an
/// end. What it says is the reason.
fn guarded(work: impl FnOnce() -> Result<(), Error>) -> Result<(), String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(panic) => Err(words_of(&*panic).unwrap_or("it panicked").to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::panic)] // that is what is caught
    fn a_panic_is_caught_with_its_words() {
        assert_eq!(guarded(|| panic!("device {} is lost", 3)), Err("device 3 is lost".into()));
        assert_eq!(guarded(|| panic!("lost")), Err("lost".into()));
        let error = Error::Device { doing: "waiting for it", reason: "gone".into() };
        assert_eq!(guarded(|| Err(error)), Err("the device failed while waiting for it: gone".into()));
        assert_eq!(guarded(|| Ok(())), Ok(()));
    }
}
