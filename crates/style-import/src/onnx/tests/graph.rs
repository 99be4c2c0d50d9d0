//! Which graphs make sense at all.

use super::builder::{Model, Op, bytes, counted, integer};
use super::{assert_refused, assert_same, read_bytes, refusal};

#[test]
fn versions_that_are_not_known_are_refused() {
    assert_refused("it is of IR version 99; 3 to 14 can be read", |model| model.version = Some(99));
    assert_refused("it is of IR version 2;", |model| model.version = Some(2));
    assert_refused("it does not say its IR version", |model| model.version = None);
    assert_refused("it is of operator set 9999; 7 to 28 can be read", |model| model.opset = Some(9999));
    assert_refused("it is of operator set 6;", |model| model.opset = Some(6));
    assert_refused("it is of operator set -1;", |model| model.opset = Some(-1));
    assert_refused("it does not say its operator set", |model| model.opset = None);
    for (version, opset) in [(3, 7), (14, 28)] {
        assert_same(|model| (model.version, model.opset) = (Some(version), Some(opset)));
    }
}

#[test]
fn operator_sets_of_other_domains_do_not_count() {
    let foreign = bytes(8, [bytes(1, "ai.onnx.ml"), integer(2, 999)].concat());
    assert_same(|model| model.more = foreign.clone());
    assert_refused("does not say its operator set", |model| {
        (model.opset, model.more) = (None, foreign.clone());
    });
    assert_refused("the version of the operators is there twice", |model| {
        model.more = bytes(8, [bytes(1, "ai.onnx"), integer(2, 13)].concat());
    });
}

#[test]
fn operators_may_not_be_defined_anew() {
    let function = |domain: &str| bytes(25, [bytes(1, "Conv"), bytes(10, domain)].concat());
    assert_refused("defines operators of ONNX anew", |model| model.more = function(""));
    assert_same(|model| model.more = function("pkg.onnxscript.torch_lib"));
}

#[test]
fn a_file_without_a_graph_is_refused() {
    let said = read_bytes(&[integer(1, 8), bytes(8, integer(2, 13))].concat()).unwrap_err();
    assert!(said.to_string().contains("it holds no graph"), "{said}");
    assert!(read_bytes(b"").is_err());
}

#[test]
fn values_are_made_once() {
    assert_refused("two values of the graph are called \"relu0\"", |model| {
        let again = model.node("relu0").clone();
        model.nodes.push(again);
    });
    assert_refused("two values of the graph are called \"b0\"", |model| {
        model.tensors.push(counted("b0", &[2]));
    });
    assert_refused("two values of the graph are called \"w0\"", |model| {
        model.nodes.push(Op::new("Relu", &["data"], "w0"));
    });
    assert_refused("two values of the graph are called \"data\"", |model| model.inputs.push("data".into()));
    assert_refused("a value of the graph has no name", |model| model.tensors.push(counted("", &[2])));
}

#[test]
fn values_are_made_before_they_are_used() {
    assert_refused("takes \"nope\", which nothing computes", |model| {
        model.nodes.push(Op::new("Relu", &["nope"], "z"));
    });
    assert_refused("takes \"z\", which is computed later", |model| {
        model.nodes.push(Op::new("Relu", &["z"], "z"));
    });
    assert_refused("takes \"b\", which is computed later", |model| {
        model.nodes.push(Op::new("Relu", &["b"], "a"));
        model.nodes.push(Op::new("Relu", &["a"], "b"));
    });
    assert_refused("output \"nope\" of the graph is never computed", |model| {
        model.outputs.push("nope".into());
    });
}

#[test]
fn the_picture_is_the_one_input_that_is_not_stored() {
    assert_same(|model| model.inputs = ["w0", "b0", "data", "w1", "b1"].map(String::from).to_vec());
    assert_refused("no input for a picture", |model| {
        model.inputs.clear();
        model.tensors.push(counted("data", &[1, 3, 4, 4]));
    });
    assert_refused("wants more than a picture: \"data\" and \"mask\"", |model| {
        model.inputs.push("mask".into());
    });
}

#[test]
fn what_has_no_place_in_a_vgg_is_refused_as_a_whole() {
    assert_refused("it has sparse tensors", |model| model.more_in_graph = bytes(15, b""));
}

#[test]
fn graphs_more_in_graphs_are_passed_over() {
    let mut inner = Vec::new();
    for _ in 0..2000 {
        let branch = [bytes(1, "then_branch"), bytes(6, &inner), integer(20, 5)].concat();
        inner = bytes(1, [bytes(2, "y"), bytes(4, "If"), bytes(5, branch)].concat());
    }
    let fields = [bytes(6, inner), integer(20, 5)].concat();
    assert_same(|model| {
        model.nodes.push(Op::new("If", &["relu1"], "deep").with("then_branch", fields.clone()));
    });
    assert_refused("(If) of the ONNX graph is no layer of a VGG", |model| {
        model.insert(Op::new("If", &["relu0"], "deep").with("then_branch", fields));
    });
}

#[test]
fn names_cannot_speak_to_the_terminal() {
    let mut model = Model::vgg();
    let name = "z\u{1b}[2J; std::process::exit(0)";
    model.insert(Op::new("Evil\n", &["relu0"], name));
    let said = refusal(&model);
    assert!(said.contains("exit(0)") && !said.contains(['\u{1b}', '\n']), "{said:?}");
}

#[test]
fn more_than_a_graph_can_have_is_refused() {
    assert_refused("the length of a name in the graph is 1025, at most 1024", |model| {
        model.nodes.push(Op::new("Relu", &["data"], &"x".repeat(1025)));
    });
    assert_refused("the number of nodes is 50001, at most 50000", |model| {
        model.more_in_graph = bytes(1, b"").repeat(50_000);
    });
    assert_refused("the number of stored tensors is 50001", |model| {
        model.more_in_graph = bytes(5, [integer(1, 0), integer(2, 1), bytes(8, "w")].concat()).repeat(50_000);
    });
    assert_refused("the memory of the graph without its weights is", |model| {
        model.more_in_graph = bytes(1, bytes(1, b"").repeat(200_000));
    });
    assert_refused("the length of a list of integers is 65, at most 64", |model| {
        model.nodes.push(Op::new("Odd", &["data"], "z").integers("list", &[1; 65]));
    });
}
