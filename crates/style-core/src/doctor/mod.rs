//! Whether a device computes what it should.

mod case;
mod check;
mod diagnosis;
mod examination;
mod measure;
mod question;
#[cfg(test)]
mod tests;
mod timing;
mod verdict;

use style_image::Image;

pub use check::{Check, CheckKind, Precision};
pub use diagnosis::Diagnosis;
#[cfg(test)]
pub(crate) use measure::relative_error;
pub use verdict::Verdict;

use case::Case;
use examination::{Course, Examination};
use question::{Answer, Question};

use crate::vgg::default_kernel;
use crate::{Error, Kernel, Vgg};

/// Compares devices with the CPU, part by part: every layer of the network, Gram matrices, losses, the ways back to the
/// pixels, one step, and a run of 20 steps of Adam with its losses and its picture.
///
/// A GPU can be wrong without a word: tuned kernels differ between drivers, lost memory is read as zeros. What agrees here
/// was computed by the very passes that a run makes, at the size of the picture given; other sizes may choose other
/// kernels, so that it is worth while to ask again at the size that is wanted.
///
/// # Examples
///
/// ```no_run
/// # fn f(gpu: style_core::Device) -> Result<(), Box<dyn std::error::Error>> {
/// use style_core::{Device, Doctor, Kernel, Vgg};
/// use style_image::Image;
///
/// let weights = std::fs::read("vgg19.safetensors")?;
/// let reference = Vgg::load(&weights, &Device::flex())?.with_kernel(Kernel::Burn);
/// let content = Image::open("photo.jpg")?.resized_to_long_side(64)?;
/// let doctor = Doctor::new(&reference, &content, &Image::open("painting.jpg")?)?;
/// let diagnosis = doctor.examine(&Vgg::load(&weights, &gpu)?)?;
/// println!("{diagnosis}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Doctor {
    case: Case,
    /// As the case has it.
    reference: Vgg,
    layer_seconds: Vec<Option<f64>>,
    expected: Vec<(Question, Answer)>,
    course: Course,
}

impl Doctor {
    /// Computes what is right, on the CPU: `reference` is a network on flex or ndarray, and the more exact its kernel, the
    /// better: [`Kernel::Burn`], or [`Kernel::Direct`].
    ///
    /// The run has the size of `content`; 64 to 128 px say most of it, and take seconds. The style is taken at that size too.
    /// Settings are those of the preset `balanced`, pooling and padding among them, at the layers that the weights have.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] when the reference is not on the CPU, or for a picture below 16 or above 16384 px;
    /// [`Error::PictureTooSmall`] for the deepest layer of the weights; and whatever a run may answer.
    pub fn new(reference: &Vgg, content: &Image, style: &Image) -> Result<Self, Error> {
        if default_kernel(reference.device()) == Kernel::Burn {
            let found = format!("{:?}", reference.device());
            return Err(Error::setting("the reference's device", found, "a CPU: flex or ndarray"));
        }
        let (case, reference) = Case::new(reference, content, style)?;
        let pass = reference.forward(case.picture(reference.device()), &case.taps())?;
        let layer_seconds = timing::layer_seconds(&case, &reference, &pass)?;
        drop(pass);
        let ask = |question: Question| Ok((question, question.ask(&case, &reference)?));
        let expected = Question::all(&case).into_iter().map(ask).collect::<Result<_, Error>>()?;
        let course = Course::of(&case, &reference)?;
        Ok(Self { case, reference, layer_seconds, expected, course })
    }

    /// The network that is right, with pooling and padding as every subject gets them.
    #[must_use]
    pub const fn reference(&self) -> &Vgg {
        &self.reference
    }

    /// Has a network, which should have the reference's weights, do the same where it is, and compares.
    ///
    /// A device that gives wrong answers, none, or panics gets a [`Verdict`] that says so; it is not an error of this
    /// function. What the backend prints when it panics is not held back.
    ///
    /// # Errors
    ///
    /// [`Error::Setting`] for a network of another shape than the reference, with which nothing could be compared.
    pub fn examine(&self, subject: &Vgg) -> Result<Diagnosis, Error> {
        self.examine_with(subject, |_| ())
    }

    /// The same, telling what comes next, such as `layer relu3_1`: a GPU that compiles its kernels may take minutes.
    ///
    /// # Errors
    ///
    /// As [`examine`](Self::examine).
    pub fn examine_with(&self, subject: &Vgg, mut observer: impl FnMut(&str)) -> Result<Diagnosis, Error> {
        let shape = |vgg: &Vgg| (vgg.describe().architecture, vgg.describe().input, vgg.describe().layers);
        if shape(subject) != shape(&self.reference) {
            let found = subject.describe();
            let (name, expected) = ("the network", self.reference.describe());
            let of = |network: &crate::ModelDescription| {
                format!(
                    "{} of {} layers, pixels {}",
                    network.architecture,
                    network.layers.len(),
                    network.input
                )
            };
            return Err(Error::setting(name, of(&found), format!("the reference's: {}", of(&expected))));
        }
        Ok(Examination::of(self, &self.case.settings.configure(subject), &mut observer))
    }
}
