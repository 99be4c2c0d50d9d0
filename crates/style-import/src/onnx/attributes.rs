//! Whether an operation does what the layers of a VGG do.

use super::model::{Node, Setting};
use crate::ImportError;

/// The operations that a VGG is made of, or that pass its features on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Convolution,
    Normalization,
    Relu,
    MaxPool,
    AveragePool,
    Transpose,
    /// Values go through as they are.
    Pass,
}

impl Operation {
    /// What a node does, if it is one of these, checked but for a transposition's axes.
    pub(super) fn of(node: &Node) -> Result<Self, ImportError> {
        let (operation, attributes): (_, &[&str]) = match node.operator.as_str() {
            "Conv" => {
                (Self::Convolution, &["auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"])
            }
            "BatchNormalization" => {
                (Self::Normalization, &["epsilon", "momentum", "spatial", "training_mode"])
            }
            "Relu" => (Self::Relu, &[]),
            "MaxPool" => (
                Self::MaxPool,
                &["auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"],
            ),
            "AveragePool" => (
                Self::AveragePool,
                &[
                    "auto_pad",
                    "ceil_mode",
                    "count_include_pad",
                    "dilations",
                    "kernel_shape",
                    "pads",
                    "strides",
                ],
            ),
            "Transpose" => (Self::Transpose, &["perm"]),
            "Identity" => (Self::Pass, &[]),
            "Dropout" => (Self::Pass, &["ratio", "seed"]),
            "Cast" => (Self::Pass, &["round_mode", "saturate", "to"]),
            "Pad" => (Self::Pass, &["mode", "pads", "value"]),
            _ => return Err(node.error("is no layer of a VGG")),
        };
        let known = |name: &String| attributes.contains(&name.as_str());
        if let Some(strange) =
            node.attributes.iter().map(|attribute| &attribute.name).find(|name| !known(name))
        {
            return Err(node.error(&format!("has the unknown attribute {strange:?}")));
        }
        operation.check(node)?;
        Ok(operation)
    }

    fn check(self, node: &Node) -> Result<(), ImportError> {
        match self {
            Self::Convolution => check_convolution(node),
            Self::Normalization => check_normalization(node),
            Self::MaxPool | Self::AveragePool => check_pooling(node),
            Self::Pass if node.operator == "Cast" => check_cast(node),
            Self::Pass if node.operator == "Dropout" => check_dropout(node),
            Self::Pass if node.operator == "Pad" => check_pad(node),
            Self::Pass | Self::Relu | Self::Transpose => Ok(()),
        }
    }
}

/// 3x3, one value at a time, as large as its input.
fn check_convolution(node: &Node) -> Result<(), ImportError> {
    expect_list(node, "kernel_shape", &[3, 3], Some(&[3, 3]))?; // left out, the weights' shape says it
    expect_list(node, "strides", &[1, 1], Some(&[1, 1]))?;
    expect_list(node, "dilations", &[1, 1], Some(&[1, 1]))?;
    expect(node, "group", 1, 1)?;
    // With an odd kernel and stride 1, "same" pads alike on both sides.
    if matches!(automatic_padding(node)?, "SAME_UPPER" | "SAME_LOWER") {
        return expect_list(node, "pads", &[], Some(&[]));
    }
    let default: &[i64] = if automatic_padding(node)? == "NOTSET" { &[0; 4] } else { &[] };
    expect_list(node, "pads", &[1; 4], Some(default))
}

/// The statistics are those of the training, frozen.
fn check_normalization(node: &Node) -> Result<(), ImportError> {
    expect(node, "training_mode", 0, 0)?;
    expect(node, "spatial", 1, 1)?;
    if node.outputs.iter().skip(1).any(|name| !name.is_empty()) {
        return Err(node.error("computes statistics, so it is there for training"));
    }
    Ok(())
}

/// Halves the size.
fn check_pooling(node: &Node) -> Result<(), ImportError> {
    expect_list(node, "kernel_shape", &[2, 2], None)?;
    expect_list(node, "strides", &[2, 2], Some(&[1, 1]))?;
    expect_list(node, "dilations", &[1, 1], Some(&[1, 1]))?;
    expect_list(node, "pads", &[0; 4], Some(&[0; 4]))?;
    expect(node, "ceil_mode", 0, 0)?;
    match automatic_padding(node)? {
        "NOTSET" | "VALID" => Ok(()),
        other => Err(node.error(&format!("pads by {other:?}; a pooling of a VGG does not"))),
    }
}

/// Between floats.
fn check_cast(node: &Node) -> Result<(), ImportError> {
    match node.attribute("to") {
        Some(Setting::Integer(1 | 10 | 11 | 16)) => Ok(()),
        _ => Err(node.error("makes something other than floats")),
    }
}

/// From operator set 12 on, a third input may switch dropping on.
fn check_dropout(node: &Node) -> Result<(), ImportError> {
    match node.inputs.get(2) {
        Some(switch) if !switch.is_empty() => Err(node.error("may be there for training")),
        _ => Ok(()),
    }
}

/// By nothing: PyTorch's exporter puts that before an average pooling, up to operator set 10.
fn check_pad(node: &Node) -> Result<(), ImportError> {
    match node.attribute("pads") {
        Some(Setting::Integers(pads)) if pads.iter().all(|&pad| pad == 0) => Ok(()),
        _ => Err(node.error("pads, and not as a part of a convolution")),
    }
}

fn automatic_padding(node: &Node) -> Result<&str, ImportError> {
    match node.attribute("auto_pad") {
        None => Ok("NOTSET"),
        Some(Setting::Text(word)) => Ok(word),
        Some(_) => Err(node.error("has attribute \"auto_pad\" of another kind than ONNX gives it")),
    }
}

/// Compares a number with what a VGG has; left out, it is `default`.
fn expect(node: &Node, name: &str, wanted: i64, default: i64) -> Result<(), ImportError> {
    let found = match node.attribute(name) {
        None => default,
        Some(&Setting::Integer(found)) => found,
        Some(_) => {
            return Err(node.error(&format!("has attribute {name:?} of another kind than ONNX gives it")));
        }
    };
    if found == wanted {
        return Ok(());
    }
    Err(node.error(&format!("has {name} {found}, a VGG has {wanted}")))
}

/// The same with a list of numbers; without a default, it may not be left out.
fn expect_list(node: &Node, name: &str, wanted: &[i64], default: Option<&[i64]>) -> Result<(), ImportError> {
    let found = match node.attribute(name) {
        None => default,
        Some(Setting::Integers(found)) => Some(found.as_slice()),
        Some(_) => {
            return Err(node.error(&format!("has attribute {name:?} of another kind than ONNX gives it")));
        }
    };
    match found {
        Some(found) if found == wanted => Ok(()),
        Some(found) => Err(node.error(&format!("has {name} {found:?}, a VGG has {wanted:?}"))),
        None => Err(node.error(&format!("has no {name}, a VGG has {wanted:?}"))),
    }
}
