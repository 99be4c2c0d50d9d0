//! Which graphs are a VGG.

use style_format::Pooling;

use super::builder::{Model, Op, counted};
use super::{assert_refused, assert_same, read_model};
use crate::network::At;

#[test]
fn a_plain_chain_is_followed_to_the_classifier() {
    let found = read_model(&Model::vgg()).unwrap();
    let places: Vec<At> = found.stages.iter().map(|stage| stage.at).collect();
    assert_eq!(places, [At::Followed { pooled: false }, At::Followed { pooled: true }]);
    assert_eq!(found.pooling, Some(Pooling::Max));
    assert_eq!(found.stages[1].weight.shape, [4, 2, 3, 3]);
    assert_eq!(found.stages[1].bias.as_ref().unwrap().shape, [4]);
}

#[test]
fn the_order_is_that_of_the_graph_and_not_of_the_names() {
    let mut model = Model::vgg();
    model.node("conv0").inputs[1] = "late".into();
    model.tensors.reverse();
    model.tensors.push(counted("late", &[2, 3, 3, 3]));
    assert_eq!(read_model(&model).unwrap().stages[0].weight.name, "late");
}

#[test]
fn a_convolution_may_have_no_bias() {
    let mut model = Model::vgg();
    model.node("conv0").inputs.pop();
    model.node("conv1").inputs[2] = String::new();
    let found = read_model(&model).unwrap();
    assert!(found.stages.iter().all(|stage| stage.bias.is_none()));
}

#[test]
fn what_passes_values_on_changes_nothing() {
    assert_same(|model| model.insert(Op::new("Identity", &["relu0"], "same")));
    assert_same(|model| model.insert(Op::new("Dropout", &["relu0"], "same").float("ratio", 0.5)));
    assert_same(|model| model.insert(Op::new("Pad", &["relu0"], "same").integers("pads", &[0; 8])));
    assert_same(|model| model.insert(Op::new("Cast", &["data"], "same").integer("to", 10)));
    assert_same(|model| {
        model.insert(Op::new("Transpose", &["conv0"], "nhwc").integers("perm", &[0, 2, 3, 1]));
        model.insert(Op::new("Transpose", &["relu0"], "nchw").integers("perm", &[0, 3, 1, 2]));
    });
    assert_same(|model| {
        model.insert(Op::new("Transpose", &["data"], "nchw").integers("perm", &[0, 3, 1, 2]));
    });
}

#[test]
fn other_users_of_a_value_do_no_harm_where_no_convolution_is_behind_them() {
    assert_same(|model| {
        model.nodes.push(Op::new("Shape", &["conv0"], "shape"));
        model.nodes.push(Op::new("GlobalAveragePool", &["relu0"], "mean"));
        model.nodes.push(Op::new("Frobnicate", &["pool0"], "odd"));
        model.outputs.extend(["conv0".into(), "relu0".into(), "mean".into()]);
    });
}

#[test]
fn whatever_comes_after_the_last_convolution_is_the_classifier() {
    let classifiers =
        ["Flatten", "Reshape", "GlobalAveragePool", "Gemm", "MatMul", "ReduceMean", "MaxPool", "If"];
    for operator in classifiers {
        assert_same(|model| model.node("y").operator = operator.into());
    }
    assert_same(|model| {
        model.nodes.pop();
        model.outputs = vec!["relu1".into()];
    });
}

#[test]
fn branches_are_refused() {
    assert_refused("a VGG has no branches", |model| {
        model.nodes.push(Op::conv("relu0", "w1", "b1", "other"));
    });
    assert_refused("(Add) of the ONNX graph", |model| {
        model.insert(Op::new("Add", &["pool0", "pool0"], "sum"));
    });
    assert_refused("node \"conv1\" (Conv) of the ONNX graph shares its input with \"sum\" (Add)", |model| {
        model.nodes.insert(4, Op::new("Add", &["conv1", "pool0"], "sum"));
        model.nodes.insert(5, Op::conv("sum", "w1", "b1", "other"));
    });
}

#[test]
fn anything_else_between_convolutions_is_refused_by_name() {
    for operator in ["Sub", "Sigmoid", "Flatten", "ConvTranspose", "LRN", "If", "Clip", "Frobnicate"] {
        let words = format!("node \"odd\" ({operator}) of the ONNX graph is no layer of a VGG");
        assert_refused(&words, |model| model.insert(Op::new(operator, &["relu0"], "odd")));
        assert_refused(&words, |model| model.insert(Op::new(operator, &["data"], "odd")));
    }
}

#[test]
fn operators_of_other_domains_are_refused_on_the_way() {
    assert_refused("(com.evil.Relu)", |model| model.node("relu0").domain = "com.evil".into());
    assert_refused("(com.microsoft.FusedConv)", |model| {
        model.node("conv1").operator = "FusedConv".into();
        model.node("conv1").domain = "com.microsoft".into();
    });
    assert_same(|model| model.node("relu0").domain = "ai.onnx".into());
    assert_same(|model| model.node("y").domain = "com.evil".into());
}

#[test]
fn layers_in_another_order_are_refused() {
    assert_refused("follows a convolution without a ReLU", |model| {
        model.node("relu0").operator = "Identity".into();
    });
    assert_refused("follows a ReLU", |model| model.insert(Op::new("Relu", &["relu0"], "again")));
    assert_refused("follows the picture", |model| model.insert(Op::new("Relu", &["data"], "early")));
    assert_refused("follows the picture", |model| model.insert(Op::max_pool("data", "early")));
    assert_refused("follows a pooling", |model| model.insert(Op::max_pool("pool0", "again")));
    assert_refused("is of another kind", |model| {
        model.insert(Op::conv("pool0", "w1", "b1", "more"));
        model.insert(Op::new("Relu", &["more"], "relu"));
        let mut pool = Op::max_pool("relu", "mean");
        pool.operator = "AveragePool".into();
        model.insert(pool);
    });
}

#[test]
fn every_convolution_needs_its_relu() {
    assert_refused("node \"y\" (Flatten) of the ONNX graph is no layer", |model| {
        model.nodes.remove(4);
        model.node("y").inputs[0] = "conv1".into();
    });
    let cut = |model: &mut Model| {
        model.nodes.truncate(4);
        model.outputs = vec!["conv1".into()];
    };
    assert_refused("no ReLU follows convolution number 2", cut);
}

#[test]
fn a_graph_without_convolutions_is_no_vgg() {
    assert_refused("no convolution takes its picture", |model| {
        model.nodes = vec![Op::new("Relu", &["data"], "y")];
    });
    // A convolution of something else.
    assert_refused("no convolution takes its picture", |model| {
        model.node("conv0").inputs[0] = "w1".into();
    });
}

#[test]
fn exchanged_axes_are_refused() {
    assert_refused("whose axes were exchanged", |model| {
        model.insert(Op::new("Transpose", &["relu0"], "nhwc").integers("perm", &[0, 2, 3, 1]));
    });
    assert_refused("neither NCHW nor NHWC", |model| {
        model.insert(Op::new("Transpose", &["relu0"], "odd").integers("perm", &[0, 1, 3, 2]));
    });
    assert_refused("neither NCHW nor NHWC", |model| {
        model.insert(Op::new("Transpose", &["data"], "odd").integers("perm", &[0, 3, 2, 1]));
    });
    for odd in [&[0_i64, 1][..], &[0, 1, 2, 2], &[0, 1, 2, 4], &[0, -1, 2, 3], &[0, 1, 2, 3, 4]] {
        assert_refused("expected an order of 0 to 3", |model| {
            model.insert(Op::new("Transpose", &["relu0"], "odd").integers("perm", odd));
        });
    }
}

#[test]
fn features_in_the_place_of_weights_are_refused() {
    assert_refused("in a place where weights belong", |model| model.node("conv1").inputs[2] = "pool0".into());
    assert_refused("in a place where weights belong", |model| {
        model.node("conv1").inputs = vec!["w1".into(), "pool0".into()];
    });
}

#[test]
fn a_second_result_may_not_carry_on() {
    assert_refused("has a second result, which a convolution takes", |model| {
        model.node("pool0").outputs.push("indices".into());
        model.node("conv1").inputs[0] = "indices".into();
    });
}

#[test]
fn endless_networks_are_refused() {
    assert_refused("the number of convolutions is 65, at most 64", |model| {
        model.nodes.clear();
        let mut value = "data".to_owned();
        for number in 0..65 {
            let (conv, relu) = (format!("conv{number}"), format!("relu{number}"));
            model.nodes.push(Op::conv(&value, "w0", "b0", &conv));
            model.nodes.push(Op::new("Relu", &[&conv], &relu));
            value = relu;
        }
        model.outputs = vec![value];
    });
}
