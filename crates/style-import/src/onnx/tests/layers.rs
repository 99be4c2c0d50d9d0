//! Layers that compute something else than those of a VGG.

use super::builder::{Model, Op, bytes, counted, integer, integers, varint};
use super::{assert_refused, assert_same, read_model};

fn set(output: &str, name: &str, values: &[i64]) -> impl FnOnce(&mut Model) {
    move |model| model.node(output).set(name, integers(values))
}

#[test]
fn convolutions_of_another_form_are_refused() {
    for (name, values) in [
        ("kernel_shape", &[5, 5][..]),
        ("kernel_shape", &[3]),
        ("strides", &[2, 2]),
        ("strides", &[1, 2]),
        ("dilations", &[2, 2]),
        ("pads", &[0, 0, 0, 0]),
        ("pads", &[1, 1, 0, 0]),
        ("pads", &[1, 1]),
        ("pads", &[]),
    ] {
        assert_refused(
            &format!("node \"conv1\" (Conv) of the ONNX graph has {name} ["),
            set("conv1", name, values),
        );
    }
    assert_refused("has pads [0, 0, 0, 0], a VGG has [1, 1, 1, 1]", |model| {
        model.node("conv1").attributes.clear();
    });
    assert_refused("has group 2, a VGG has 1", |model| {
        model.node("conv1").set("group", integer(3, 2));
    });
    assert_refused("has attribute \"group\" of another kind", set("conv1", "group", &[1]));
    assert_refused("has attribute \"pads\" of another kind", |model| {
        model.node("conv1").set("pads", integer(3, 1));
    });
}

#[test]
fn padding_by_word_is_the_same_where_it_pads_alike() {
    for word in ["SAME_UPPER", "SAME_LOWER"] {
        assert_same(|model| {
            let conv = model.node("conv1");
            conv.attributes.clear();
            *conv = conv.clone().text("auto_pad", word);
        });
        assert_refused("has pads [1, 1, 1, 1]", |model| {
            let conv = model.node("conv1");
            *conv = conv.clone().text("auto_pad", word);
        });
    }
    assert_same(|model| *model.node("conv1") = model.node("conv1").clone().text("auto_pad", "NOTSET"));
    for word in ["VALID", "SAME"] {
        assert_refused("has pads [], a VGG has [1, 1, 1, 1]", |model| {
            let conv = model.node("conv1");
            conv.attributes.clear();
            *conv = conv.clone().text("auto_pad", word);
        });
    }
}

#[test]
fn poolings_of_another_form_are_refused() {
    for (name, values) in
        [("kernel_shape", &[3, 3][..]), ("strides", &[1, 1]), ("dilations", &[2, 2]), ("pads", &[0, 0, 1, 1])]
    {
        assert_refused(
            &format!("node \"pool0\" (MaxPool) of the ONNX graph has {name} ["),
            set("pool0", name, values),
        );
    }
    assert_refused("has ceil_mode 1, a VGG has 0", |model| {
        model.node("pool0").set("ceil_mode", integer(3, 1));
    });
    assert_refused("has no kernel_shape", |model| model.node("pool0").attributes.clear());
    assert_refused("pads by \"SAME_UPPER\"", |model| {
        *model.node("pool0") = model.node("pool0").clone().text("auto_pad", "SAME_UPPER");
    });
    assert_same(|model| *model.node("pool0") = model.node("pool0").clone().text("auto_pad", "VALID"));
    // Zero, as writers leave it out.
    assert_same(|model| model.node("pool0").set("ceil_mode", integer(20, 2)));
}

#[test]
fn unknown_attributes_are_refused() {
    assert_refused("has the unknown attribute \"activation\"", |model| {
        *model.node("conv1") = model.node("conv1").clone().text("activation", "sigmoid");
    });
    assert_refused("has attribute \"pads\" twice", |model| {
        model.node("conv1").attributes.push(("pads".into(), integers(&[1; 4])));
    });
    assert_refused("of another kind", |model| {
        // A reference to an attribute of a function: its value is not here.
        let fields = [integer(3, 1), integer(20, 2), bytes(21, "outer")].concat();
        model.node("conv1").set("group", fields);
    });
    assert_refused("of another kind", |model| {
        model.node("conv1").set("group", [integer(3, 1), integer(20, 7)].concat());
    });
}

fn normalised() -> Model {
    let mut model = Model::vgg();
    let statistics = ["scale", "shift", "mean", "variance"];
    model.tensors.extend(statistics.map(|name| counted(name, &[2])));
    model.insert(Op::new("BatchNormalization", &["conv0", "scale", "shift", "mean", "variance"], "norm"));
    model
}

#[test]
fn batch_normalisations_come_with_their_statistics() {
    let mut model = normalised();
    let found = read_model(&model).unwrap();
    let norm = found.stages[0].norm.as_ref().unwrap();
    let names = [&norm.scale, &norm.shift, &norm.mean, &norm.variance].map(|tensor| tensor.name.as_str());
    assert_eq!(names, ["scale", "shift", "mean", "variance"]);
    assert_eq!(norm.epsilon, 1e-5);
    assert!(found.stages[1].norm.is_none());
    *model.node("norm") = model.node("norm").clone().float("epsilon", 0.5).float("momentum", 0.9);
    assert_eq!(read_model(&model).unwrap().stages[0].norm.as_ref().unwrap().epsilon, 0.5);
}

#[track_caller]
fn assert_norm_refused(words: &str, change: impl FnOnce(&mut Model)) {
    assert_refused(words, |model| {
        *model = normalised();
        change(model);
    });
}

#[test]
fn batch_normalisations_for_training_or_elsewhere_are_refused() {
    assert_norm_refused("has training_mode 1", |model| {
        model.node("norm").set("training_mode", integer(3, 1));
    });
    assert_norm_refused("has spatial 0", |model| model.node("norm").set("spatial", integer(3, 0)));
    assert_norm_refused("it is there for training", |model| {
        model.node("norm").outputs.push("running".into());
    });
    assert_norm_refused("has 3 inputs", |model| model.node("norm").inputs.truncate(3));
    assert_norm_refused("has input 4 of shape [4], expected [2]", |model| {
        model.node("norm").inputs[4] = "b1".into();
    });
    assert_norm_refused("has the epsilon", |model| {
        let nan = [varint(2 << 3 | 5), f32::NAN.to_le_bytes().to_vec()].concat();
        model.node("norm").set("epsilon", nan);
    });
    assert_norm_refused("follows a ReLU", |model| {
        model.insert(Op::new("BatchNormalization", &["relu0", "scale", "shift", "mean", "variance"], "late"));
    });
}

#[test]
fn what_passes_values_on_must_not_change_them() {
    assert_refused("may be there for training", |model| {
        model.insert(Op::new("Dropout", &["relu0", "", "b0"], "drop"));
    });
    for pads in [&[0, 0, 1, 1, 0, 0, 1, 1][..], &[1]] {
        assert_refused("node \"pad\" (Pad) of the ONNX graph pads, and not as a part", |model| {
            model.insert(Op::new("Pad", &["relu0"], "pad").integers("pads", pads));
        });
    }
    assert_refused("pads, and not as a part", |model| {
        model.insert(Op::new("Pad", &["relu0", "b0"], "pad")); // from operator set 11 on
    });
    assert_refused("makes something other than floats", |model| {
        model.insert(Op::new("Cast", &["relu0"], "cast").integer("to", 3));
    });
}
