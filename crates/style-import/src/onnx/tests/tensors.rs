//! What is said about tensors, and what is there.

use half::{bf16, f16};

use super::builder::{Model, Op, bytes, counted, integer, raw_floats, tensor, varint};
use super::{assert_refused, assert_same, open};
use crate::ImportError;
use crate::onnx::External;
use crate::tensor::StoredTensor;

/// A model with another first bias, and that bias.
fn bias(fields: Vec<u8>) -> Result<Vec<f32>, ImportError> {
    let mut model = Model::vgg();
    model.tensors[1] = fields;
    first(&model, |stage| stage.bias.unwrap())
}

fn first(
    model: &Model,
    choose: impl FnOnce(crate::network::Stage) -> StoredTensor,
) -> Result<Vec<f32>, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, model.build()).unwrap();
    choose(open(&path, External::Refused)?.stages.remove(0)).read_floats()
}

#[test]
fn floats_are_read_from_every_field_they_may_lie_in() {
    let halves: Vec<u8> = [1.5, -2.0].iter().flat_map(|&value| f16::from_f32(value).to_le_bytes()).collect();
    let brains: Vec<u8> = [1.5, -2.0].iter().flat_map(|&value| bf16::from_f32(value).to_le_bytes()).collect();
    let doubles: Vec<u8> = [1.5_f64, -2.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let half_varints =
        [varint(f16::from_f32(1.5).to_bits().into()), varint(f16::from_f32(-2.0).to_bits().into())];
    let brain_varints =
        [varint(bf16::from_f32(1.5).to_bits().into()), varint(bf16::from_f32(-2.0).to_bits().into())];
    let singles = raw_floats(&[1.5, -2.0]);
    let forms = [
        (1, bytes(9, &singles)),
        (1, bytes(4, &singles)),
        (11, bytes(9, &doubles)),
        (11, bytes(10, &doubles)),
        (10, bytes(9, &halves)),
        (10, bytes(5, half_varints.concat())),
        (16, bytes(9, &brains)),
        (16, bytes(5, brain_varints.concat())),
        (1, [bytes(4, b""), bytes(9, &singles)].concat()),
    ];
    for (data_type, values) in forms {
        assert_eq!(bias(tensor("b0", &[2], data_type, values)).unwrap(), [1.5, -2.0], "{data_type}");
    }
    let packed_dims = [bytes(1, varint(2)), integer(2, 1), bytes(8, "b0"), bytes(9, &singles)].concat();
    assert_eq!(bias(packed_dims).unwrap(), [1.5, -2.0]);
}

#[track_caller]
fn assert_bad(words: &str, fields: Vec<u8>) {
    let said = bias(fields.clone()).unwrap_err().to_string();
    assert!(said.contains(words), "{said}");
    // The same, where nothing uses the tensor.
    assert_refused(words, |model| model.tensors.push(fields));
}

#[test]
fn tensors_of_another_length_than_their_shape_wants_are_refused() {
    let zeros = |count| bytes(9, vec![0; count]);
    assert_bad("2 values of type f32 are in 4 bytes", tensor("b0", &[2], 1, zeros(4)));
    assert_bad("2 values of type f32 are in 7 bytes", tensor("b0", &[2], 1, zeros(7)));
    assert_bad("2 values of type f32 are in 12 bytes", tensor("b0", &[2], 1, bytes(4, [0; 12])));
    assert_bad("2 values of type f16 are in 1 bytes", tensor("b0", &[2], 10, bytes(5, [0])));
    assert_bad("a negative extent", tensor("b0", &[-1, 2], 1, zeros(8)));
    assert_bad("its size overflows", tensor("b0", &[1 << 62, 1 << 62], 1, zeros(8)));
    assert_bad("it holds no values", tensor("b0", &[1 << 33], 1, Vec::new()));
    assert_bad("it holds no values", tensor("b0", &[2], 1, bytes(9, b"")));
    assert_bad("it holds no values", tensor("b0", &[2], 8, Vec::new()));
    assert_bad("3 values of type int64", tensor("b0", &[3], 7, zeros(8)));
    assert_bad("the length of a list of integers is 17", tensor("b0", &[1; 17], 1, zeros(4)));
}

#[test]
fn values_may_be_there_once() {
    let singles = raw_floats(&[1.5, -2.0]);
    let twice = "its values are there twice, or in pieces";
    assert_bad(twice, tensor("b0", &[2], 1, [bytes(9, &singles), bytes(4, &singles)].concat()));
    assert_bad(twice, tensor("b0", &[2], 1, [bytes(4, [0; 4]), bytes(4, [0; 4])].concat()));
    assert_bad("lie in a field of another type", tensor("b0", &[2], 1, bytes(5, [0; 2])));
    assert_bad("lie in a field of another type", tensor("b0", &[2], 11, bytes(4, &singles)));
    assert_bad("values are not packed", tensor("b0", &[1], 1, [varint(4 << 3 | 5), vec![0; 4]].concat()));
    assert_bad("into segments", tensor("b0", &[2], 1, [bytes(3, b""), bytes(9, &singles)].concat()));
    assert_bad("the name of a tensor is there twice", tensor("b0", &[2], 1, bytes(8, "b1")));
}

#[test]
fn element_types_that_do_not_exist_are_refused() {
    assert_bad("its element type is number 99", tensor("b0", &[2], 99, bytes(9, [0; 8])));
    assert_bad("its element type is number 0", tensor("b0", &[2], 0, bytes(9, [0; 8])));
}

#[test]
fn other_element_types_do_no_harm_where_nothing_uses_them() {
    assert_same(|model| {
        model.tensors.push(tensor(
            "shape",
            &[2],
            7,
            bytes(7, [1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ));
        model.tensors.push(tensor("switch", &[], 9, bytes(9, [1])));
        model.tensors.push(tensor("labels", &[2], 8, [bytes(6, "cat"), bytes(6, "")].concat()));
        model.tensors.push(tensor("nibbles", &[3], 22, bytes(9, [0; 2])));
        model.tensors.push(tensor("nothing", &[0], 1, Vec::new()));
    });
    let said = bias(tensor("b0", &[2], 7, bytes(9, [0; 16]))).unwrap_err().to_string();
    assert!(said.contains("\"b0\" holds int64 values, expected f32"), "{said}");
    let said = bias(tensor("b0", &[2], 2, bytes(9, [0; 2]))).unwrap_err().to_string();
    assert!(said.contains("\"b0\" holds u8 values"), "{said}");
}

#[test]
fn values_that_are_no_numbers_are_noticed_when_they_are_read() {
    let said = bias(tensor("b0", &[2], 1, bytes(9, raw_floats(&[1.0, f32::NAN])))).unwrap_err();
    assert_eq!(said, ImportError::NotFinite { key: "b0".into() });
}

#[test]
fn shapes_that_do_not_belong_to_the_layer_are_refused() {
    assert_refused("has weights of shape [2, 3, 5, 5], a VGG has 3x3", |model| {
        model.tensors[0] = counted("w0", &[2, 3, 5, 5]);
    });
    assert_refused("has weights of shape [54]", |model| model.tensors[0] = counted("w0", &[54]));
    assert_refused("has input 2 of shape [3], expected [2]", |model| model.tensors[1] = counted("b0", &[3]));
    assert_refused("has input 2 of shape [1, 2], expected [2]", |model| {
        model.tensors[1] = counted("b0", &[1, 2]);
    });
}

/// The first weights go through these nodes, the last of which makes `kernel`.
fn folded(nodes: Vec<Op>, stored: Option<Vec<u8>>) -> Model {
    let mut model = Model::vgg();
    model.node("conv0").inputs[1] = "kernel".into();
    if let Some(stored) = stored {
        model.tensors[0] = stored;
    }
    model.nodes.splice(..0, nodes);
    model
}

#[test]
fn weights_may_be_constants_that_pass_through_nodes() {
    let plain: Vec<f32> = (0..54_u8).map(f32::from).collect();
    let weight = |model: &Model| first(model, |stage| stage.weight).unwrap();
    let constant = Op::new("Constant", &[], "kernel").tensor("value", counted("", &[2, 3, 3, 3]));
    assert_eq!(weight(&folded(vec![constant], None)), plain);
    let passed =
        [Op::new("Identity", &["w0"], "same"), Op::new("Cast", &["same"], "kernel").integer("to", 1)];
    assert_eq!(weight(&folded(passed.to_vec(), None)), plain);
}

#[test]
fn transposed_kernels_are_put_in_order() {
    // Stored [height, width, in, out] = [3, 3, 3, 2]: value 18 h + 6 w + 2 i + o.
    let wanted: Vec<f32> = (0..2)
        .flat_map(|o| (0..3).flat_map(move |i| (0..9).map(move |hw| (6 * hw + 2 * i + o) as f32)))
        .collect();
    let stored = || Some(counted("w0", &[3, 3, 3, 2]));
    let once = vec![Op::new("Transpose", &["w0"], "kernel").integers("perm", &[3, 2, 0, 1])];
    assert_eq!(first(&folded(once, stored()), |stage| stage.weight).unwrap(), wanted);
    // The same in two steps: all axes reversed, then height and width exchanged.
    let twice = vec![
        Op::new("Transpose", &["w0"], "reversed"),
        Op::new("Transpose", &["reversed"], "kernel").integers("perm", &[0, 1, 3, 2]),
    ];
    assert_eq!(first(&folded(twice, stored()), |stage| stage.weight).unwrap(), wanted);
}

#[test]
fn weights_that_are_computed_are_refused() {
    let refusal = |nodes| first(&folded(nodes, None), |stage| stage.weight).unwrap_err().to_string();
    let said = refusal(vec![Op::new("Mul", &["w0", "w0"], "kernel")]);
    assert!(said.contains("node \"kernel\" (Mul) of the ONNX graph computes a weight"), "{said}");
    let said = refusal(vec![Op::new("Constant", &[], "kernel").float("value_float", 1.0)]);
    assert!(said.contains("(Constant) of the ONNX graph holds no tensor"), "{said}");
    let said = refusal(vec![Op::new("Transpose", &["b0"], "kernel").integers("perm", &[3, 2, 0, 1])]);
    assert!(said.contains("is transposed, and has shape [2]"), "{said}");
    let mut chain = vec![Op::new("Identity", &["w0"], "pass0")];
    chain.extend((1..9).map(|n| Op::new("Identity", &[&format!("pass{}", n - 1)], &format!("pass{n}"))));
    chain.push(Op::new("Identity", &["pass8"], "kernel"));
    assert!(refusal(chain).contains("more than 8 nodes pass on"));
}
