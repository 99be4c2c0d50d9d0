//! Round trips of the native file, and what damaged files get.

use std::collections::HashMap;

use half::{bf16, f16};
use proptest::prelude::*;
use safetensors::tensor::{TensorView, View};
use safetensors::{Dtype, SafeTensors};

use super::*;
use crate::{Convolution, WeightValues};

/// A tensor's bytes with what safetensors wants to know about them.
struct OwnedTensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl OwnedTensor {
    fn floats(values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { dtype: Dtype::F32, shape: vec![values.len()], bytes }
    }
}

impl View for OwnedTensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> std::borrow::Cow<'_, [u8]> {
        (&self.bytes).into()
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn info() -> FileInfo {
    FileInfo {
        architecture: Architecture::Vgg19,
        input: PixelTransform::CaffeBgr255,
        source: "a test".into(),
        source_sha256: "00".into(),
        licence: "none".into(),
        pooling: None,
    }
}

/// The first two convolutions with small counting values.
fn convolutions(encoding: Encoding) -> Vec<ConvolutionWeights> {
    let make = |convolution: Convolution| {
        let length = convolution.weight_shape().iter().product::<usize>();
        let value = |i: usize| (i % 251) as f32 * 0.5 - 60.0;
        let weight = match encoding {
            Encoding::F32 => WeightValues::F32((0..length).map(value).collect()),
            Encoding::F16 => WeightValues::F16((0..length).map(|i| f16::from_f32(value(i))).collect()),
            Encoding::Bf16 => WeightValues::Bf16((0..length).map(|i| bf16::from_f32(value(i))).collect()),
            Encoding::Codebook => WeightValues::Codebook {
                indices: (0..length).map(|i| (i % 251) as u8).collect(),
                table: Box::new(std::array::from_fn(value)),
            },
        };
        let bias = (0..convolution.outputs()).map(|i| i as f32).collect();
        ConvolutionWeights::new(convolution, weight, bias).unwrap()
    };
    Architecture::Vgg19.convolutions().into_iter().take(2).map(make).collect()
}

fn file() -> Vec<u8> {
    VggFile::new(info(), convolutions(Encoding::Codebook)).unwrap().to_bytes().unwrap()
}

fn message(bytes: &[u8]) -> String {
    VggFile::parse(bytes).unwrap_err().to_string()
}

/// Takes a good file apart, lets `change` loose on its tensors and metadata, and puts it together.
fn altered(change: impl FnOnce(&mut Vec<(String, OwnedTensor)>, &mut HashMap<String, String>)) -> Vec<u8> {
    let bytes = file();
    let mut metadata = SafeTensors::read_metadata(&bytes).unwrap().1.metadata().clone().unwrap();
    let owned = |view: TensorView<'_>| OwnedTensor {
        dtype: view.dtype(),
        shape: view.shape().to_vec(),
        bytes: view.data().to_vec(),
    };
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> = tensors.iter().map(|(name, view)| (name.to_owned(), owned(view))).collect();
    change(&mut tensors, &mut metadata);
    safetensors::serialize(tensors, Some(metadata)).unwrap()
}

#[test]
fn every_encoding_comes_back_as_it_was_written() {
    for encoding in [Encoding::F32, Encoding::F16, Encoding::Bf16, Encoding::Codebook] {
        let file = VggFile::new(info(), convolutions(encoding)).unwrap();
        let bytes = file.to_bytes().unwrap();
        assert_eq!(bytes, file.to_bytes().unwrap(), "equal contents, equal bytes");
        let read = VggFile::parse(&bytes).unwrap();
        assert_eq!(read, file);
        assert_eq!(read.encoding(), encoding);
        assert_eq!(read.convolutions()[1].weight().to_f32()[3], -58.5);
    }
}

#[test]
fn any_safetensors_reader_can_read_the_file() {
    let bytes = file();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("conv1_1.weight").unwrap().shape(), [64, 3, 3, 3]);
    assert_eq!(tensors.tensor("conv1_2.codebook").unwrap().dtype(), Dtype::F32);
}

#[test]
fn the_order_of_the_tensors_is_that_of_the_safetensors_crate() {
    for encoding in [Encoding::F32, Encoding::Codebook] {
        let bytes = VggFile::new(info(), convolutions(encoding)).unwrap().to_bytes().unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let theirs = safetensors::serialize(tensors.iter().collect::<Vec<_>>(), None).unwrap();
        let data =
            |bytes: &[u8]| bytes[8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize..].to_vec();
        assert_eq!(data(&bytes), data(&theirs));
    }
}

#[test]
fn narrow_networks_are_read_and_their_channels_have_to_fit() {
    let narrow = Architecture::Vgg11.convolutions_with_outputs(&[4, 8]);
    let weights = |convolution: Convolution| {
        let weight = WeightValues::F32(vec![0.5; convolution.weight_shape().iter().product()]);
        ConvolutionWeights::new(convolution, weight, vec![0.0; convolution.outputs()]).unwrap()
    };
    let info = FileInfo { architecture: Architecture::Vgg11, ..info() };
    for pooling in Pooling::ALL {
        let info = FileInfo { pooling: Some(pooling), ..info.clone() };
        let file = VggFile::new(info, narrow.iter().copied().map(weights).collect()).unwrap();
        let read = VggFile::parse(&file.to_bytes().unwrap()).unwrap();
        assert_eq!(read, file);
        assert_eq!(read.convolutions()[1].convolution().name(), "conv2_1");
    }
    let misfit = Architecture::Vgg11.convolutions_with_outputs(&[5, 8])[1];
    let error = VggFile::new(info, vec![weights(narrow[0]), weights(misfit)]).unwrap_err();
    assert_eq!(error.to_string(), "conv2_1 is missing from the vgg11 weights");
}

#[test]
fn a_file_holds_one_convolution_at_least() {
    assert_eq!(
        VggFile::new(info(), Vec::new()).unwrap_err().to_string(),
        format!("conv1_1 is missing from the {} weights", info().architecture)
    );
}

#[test]
fn a_convolution_that_was_not_announced_is_not_written() {
    let all = convolutions(Encoding::F16);
    let parts = [(all[0].convolution(), Encoding::F16), (all[1].convolution(), Encoding::F32)];
    let mut writer = VggFileWriter::new(Cursor::new(Vec::new()), &info(), &parts).unwrap();
    assert_eq!(
        writer.write(&all[1]).unwrap_err().to_string(),
        "unexpected tensor \"conv1_2\" in announced weights"
    );
    writer.write(&all[0]).unwrap();
    assert!(writer.write(&all[1]).is_err());
    assert_eq!(writer.finish().unwrap_err().to_string(), "conv1_2 is missing from the announced weights");
}

#[test]
fn cutting_keeps_the_first_convolutions() {
    let file = VggFile::new(info(), convolutions(Encoding::F32)).unwrap();
    assert_eq!(file.clone().cut_after(Layer::Relu1_1).unwrap().convolutions().len(), 1);
    let error = file.cut_after(Layer::Conv2_1).unwrap_err();
    assert_eq!(error.to_string(), "cannot cut the weights at conv2_1: they hold conv1_1 to conv1_2");
}

#[test]
fn a_file_cut_short_says_how_long_it_should_be() {
    let bytes = file();
    assert_eq!(
        message(&bytes[..bytes.len() - 1]),
        format!(
            "the file is cut short: its header promises {} bytes, there are {}",
            bytes.len(),
            bytes.len() - 1
        )
    );
    assert!(message(&bytes[..100]).starts_with("the file is cut short"));
    assert_eq!(message(&[]), "not a usable safetensors file: it has 0 bytes");
    let longer = [&bytes[..], b"??"].concat();
    assert_eq!(message(&longer), "not a usable safetensors file: 2 bytes follow its last tensor");
}

#[test]
fn a_web_page_is_refused() {
    let text = message(b"<!DOCTYPE html><html><body>404</body></html>");
    assert!(text.starts_with("not a usable safetensors file: its header claims"), "{text}");
}

#[test]
fn foreign_metadata_is_named() {
    let text = message(&altered(|_, metadata| drop(metadata.remove("format"))));
    assert_eq!(text, "the file's metadata has nothing for `format`, expected style-transfer.vgg");
    let text = message(&altered(|_, metadata| drop(metadata.insert("input".into(), "rgb".into()))));
    assert_eq!(text, "the file's metadata has \"rgb\" for `input`, expected caffe-bgr-255 or torch-rgb-01");
    let text = message(&altered(|_, metadata| drop(metadata.insert("version".into(), "9".into()))));
    assert_eq!(text, "the file's metadata has \"9\" for `version`, expected 1");
    let text = message(&altered(|_, metadata| drop(metadata.insert("architecture".into(), "resnet".into()))));
    assert_eq!(
        text,
        "the file's metadata has \"resnet\" for `architecture`, expected vgg11, vgg13, vgg16 or vgg19"
    );
}

#[test]
fn missing_and_foreign_tensors_are_named() {
    let text = message(&altered(|tensors, _| tensors.retain(|(name, _)| name != "conv1_1.bias")));
    assert_eq!(text, "conv1_1.bias is missing from the vgg19 weights");
    let text = message(&altered(|tensors, _| tensors.retain(|(name, _)| name != "conv1_1.weight")));
    assert_eq!(text, "conv1_1.weight is missing from the vgg19 weights");
    let text = message(&altered(|tensors, _| tensors.retain(|(name, _)| name != "conv1_2.codebook")));
    assert_eq!(text, "conv1_2.codebook is missing from the codebook-compressed weights");
    let text = message(&altered(|tensors, _| tensors.push(("fc6.bias".into(), OwnedTensor::floats(&[1.0])))));
    assert_eq!(text, "unexpected tensor \"fc6.bias\" in vgg19 weights");
    let text = message(&altered(|tensors, _| tensors.clear()));
    assert_eq!(text, "conv1_1.weight is missing from the vgg19 weights");
}

#[test]
fn wrong_shapes_types_and_values_are_named() {
    let text = message(&altered(|tensors, _| {
        let bias = tensors.iter_mut().find(|(name, _)| name == "conv1_1.bias").unwrap();
        bias.1 = OwnedTensor::floats(&[0.0; 63]);
    }));
    assert_eq!(text, "conv1_1.bias has shape [63], expected [64]");
    let text = message(&altered(|tensors, _| {
        let bias = tensors.iter_mut().find(|(name, _)| name == "conv1_1.bias").unwrap();
        bias.1.dtype = Dtype::I32;
    }));
    assert_eq!(text, "conv1_1.bias holds I32 values, expected F32");
    let text = message(&altered(|tensors, _| {
        let bias = tensors.iter_mut().find(|(name, _)| name == "conv1_1.bias").unwrap();
        bias.1 = OwnedTensor::floats(&[f32::NAN; 64]);
    }));
    assert_eq!(text, "conv1_1.bias holds values that are NaN or infinite");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_flipped_byte_never_panics(position in 0usize..50_000, value in any::<u8>()) {
        let mut bytes = file();
        let position = position % bytes.len();
        bytes[position] = value;
        let _ = VggFile::parse(&bytes);
    }

    #[test]
    fn a_file_cut_anywhere_is_refused(length in 0usize..40_000) {
        let bytes = file();
        prop_assert!(VggFile::parse(&bytes[..length.min(bytes.len() - 1)]).is_err());
    }
}
