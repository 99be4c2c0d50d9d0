//! Which pixels a network wants: who says so, and whether its activations agree.

use std::fmt;

use serde::Serialize;
use style_format::PixelTransform;

use crate::known::{self, KnownFile};
use crate::probe::{Clue, Probe, Verdict};
use crate::values::Original;
use crate::{Checkpoint, ImportError};

/// The pixels that a network was trained on, with what that rests on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Input {
    /// The transform.
    pub transform: PixelTransform,
    /// How it is known.
    pub evidence: Evidence,
    /// What speaks against it, and against the file.
    pub warnings: Vec<Warning>,
}

/// How the pixel transform is known, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Evidence {
    /// Somebody said so.
    Given,
    /// The native file says so.
    Recorded,
    /// The file is a known one, by its SHA-256.
    KnownFile,
    /// Only one kind of weights has such key names.
    KeyNames,
    /// The first filters are those of a published network, whatever else was changed.
    Recognised,
    /// On a photograph, the biases have a natural size with this transform and not with the other.
    Measured,
    /// Nothing tells; most files with such key names are so.
    Assumed,
}

/// What a user should know about a conversion that was done all the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum Warning {
    /// The weights speak for another transform.
    OtherPixelsFitBetter {
        /// The transform in use.
        declared: PixelTransform,
        /// The one that fits better.
        better: PixelTransform,
        /// By what the weights tell.
        clue: Clue,
    },
    /// The network wants pixels that no transform makes.
    NoTransformFits {
        /// How that is known.
        reason: String,
    },
    /// Nothing tells which pixels the network wants.
    InputAssumed {
        /// The transform in use.
        assumed: PixelTransform,
    },
    /// PyTorch names files by their SHA-256, and the content has another one.
    NameDigest {
        /// The digits in the name.
        promised: String,
        /// The first digits of the content's.
        found: String,
    },
}

impl Checkpoint {
    /// Which pixels the network wants: what was `said`, what the file is known for, or what its activations show.
    ///
    /// The first convolutions are read, and a small photograph is run through them with either transform.
    ///
    /// # Errors
    ///
    /// An [`ImportError`] that names the first tensor that cannot be read.
    pub fn input(&self, said: Option<PixelTransform>) -> Result<Input, ImportError> {
        let verdict = self.probe()?;
        let family = self.family();
        let (transform, evidence) = if let Some(said) = said {
            (said, Evidence::Given)
        } else if let Some(recorded) = self.recorded() {
            (recorded.input, Evidence::Recorded)
        } else if let Some(known) = self.known().and_then(|known| known.input) {
            (known, Evidence::KnownFile)
        } else if family.input_is_certain() {
            (family.usual_input(), Evidence::KeyNames)
        } else if let Verdict::Fits { transform, clue } = verdict {
            (
                transform,
                if matches!(clue, Clue::BiasRatio { .. }) {
                    Evidence::Measured
                } else {
                    Evidence::Recognised
                },
            )
        } else {
            (family.usual_input(), Evidence::Assumed)
        };
        let mut warnings = Vec::new();
        match verdict {
            Verdict::Fits { transform: better, clue } if better != transform => {
                warnings.push(Warning::OtherPixelsFitBetter { declared: transform, better, clue });
            }
            Verdict::Neither { network } => warnings.push(Warning::NoTransformFits {
                reason: format!(
                    "the first filters are those of {network}, but for colours of another order or scale"
                ),
            }),
            Verdict::Fits { .. } | Verdict::Undecided => (),
        }
        if let Some(KnownFile { name, note: Some(note), .. }) = self.known() {
            warnings.push(Warning::NoTransformFits { reason: format!("{name} was {note}") });
        }
        if evidence == Evidence::Assumed {
            warnings.push(Warning::InputAssumed { assumed: transform });
        }
        warnings.extend(self.digest_warning());
        Ok(Input { transform, evidence, warnings })
    }

    /// The published file that this one is, if it is one.
    pub(crate) fn known(&self) -> Option<&'static KnownFile> {
        known::by_digest(self.sha256())
    }

    fn digest_warning(&self) -> Option<Warning> {
        let promised = known::digits_in_name(self.file().path())?;
        let found = self.sha256().get(..promised.len()).unwrap_or_default().to_owned();
        (promised != found).then_some(Warning::NameDigest { promised, found })
    }

    fn probe(&self) -> Result<Verdict, ImportError> {
        let mut probe = Probe::new(self.pooling().unwrap_or_default());
        for source in self.sources() {
            if !probe.wants_more() {
                break;
            }
            let (weight, bias) = Original::read(source)?.into_floats();
            probe.convolution(&weight, &bias, source.convolution.starts_block())?;
        }
        Ok(probe.verdict())
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Given => "as given",
            Self::Recorded => "recorded in the file",
            Self::KnownFile => "known by the file's SHA-256",
            Self::KeyNames => "known by the key names",
            Self::Recognised => "recognised by the first filters",
            Self::Measured => "measured by the biases beside a photograph",
            Self::Assumed => "assumed from the key names",
        })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherPixelsFitBetter { declared, better, clue } => write!(
                f,
                "the weights speak for {better}, not for {declared}: {clue}; if pictures come out wrong, import again \
                 with --input {better}"
            ),
            Self::NoTransformFits { reason } => {
                write!(f, "no transform fits these weights, colours and scales come out wrong: {reason}")
            }
            Self::InputAssumed { assumed } => {
                write!(
                    f,
                    "nothing tells which pixels these weights want; {assumed} is assumed, --input says it"
                )
            }
            Self::NameDigest { promised, found } => write!(
                f,
                "the file's name promises a SHA-256 that begins with {promised}, its content's begins with {found}: it \
                 was changed, or damaged on the way"
            ),
        }
    }
}
