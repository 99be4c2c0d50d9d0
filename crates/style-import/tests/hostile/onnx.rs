//! Hostile and odd ONNX models.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::case::{Case, Expect};
use crate::network;
use crate::onnx_network::Model;
use crate::protobuf::{Node, Tensor, bytes, integer, varint};
use Expect::{Converted, NotVgg, Refused};

pub(crate) fn cases() -> Vec<Case> {
    let groups = [controls, external, versions, graphs, tensors, encodings, networks];
    groups.into_iter().flat_map(|group| group()).collect()
}

/// What the models with external data point to: a reader that follows them would wait or read a stranger's file.
pub(crate) fn put_beside(folder: &Path) {
    fs::write(folder.join("side.bin"), [0; 64 * 27 * 4]).unwrap();
    let _ = std::os::unix::fs::symlink("/etc/passwd", folder.join("link.bin"));
    let _ = Command::new("mkfifo").arg(folder.join("fifo")).status();
}

fn case(name: &str, bytes: Vec<u8>, expect: Expect, what: &str) -> Case {
    Case::new(name, bytes, expect, what)
}

fn weight() -> Tensor {
    let values = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    Tensor::new("w", &[2, 2], values)
}

fn relu() -> Node {
    Node::new("Relu", &["w"], "y")
}

/// A model around some nodes, and one around some tensors.
fn around(nodes: &[Node]) -> Vec<u8> {
    Model::small(nodes, &[weight()]).bytes()
}

fn holding(tensors: &[Tensor]) -> Vec<u8> {
    Model::small(&[relu()], tensors).bytes()
}

fn controls() -> Vec<Case> {
    let good = around(&[relu()]);
    let cut = good[..good.len() - 9].to_vec();
    vec![
        case("good.onnx", good, NotVgg, "one node, one tensor, no VGG"),
        case("zero.onnx", Vec::new(), Refused("empty"), "0 bytes"),
        case("trunc.onnx", cut, Refused(""), "truncated"),
    ]
}

fn external() -> Vec<Case> {
    let places: [(&str, &[u8]); 10] = [
        ("dotdot", b"../../../../etc/passwd"),
        ("mid", b"junk/../../secret"),
        ("abs", b"/etc/passwd"),
        ("nul", b"a\0b"),
        ("empty", b""),
        ("symlink", b"link.bin"),
        ("dir", b"."),
        ("fifo", b"fifo"),
        ("devzero", b"/dev/zero"),
        ("win", b"..\\..\\secret"),
    ];
    let mut cases = Vec::new();
    for (name, place) in places {
        let what = format!("values in another file: {:?}", String::from_utf8_lossy(place));
        let small = Tensor::external("w", &[2, 2], &[("location", place), ("length", b"16")]);
        cases.push(Case::new(format!("ext_{name}.onnx"), holding(&[small]), Refused(""), what.clone()));
        let mut model = Model::network();
        let entries: [(&str, &[u8]); 2] = [("location", place), ("length", b"6912")];
        model.tensors[0] = Tensor::external("features.0.weight", &network::WEIGHT, &entries);
        let name = format!("vgg_ext_{name}.onnx");
        cases.push(Case::new(name, model.bytes(), Refused("another file"), what));
    }
    let long: [(&str, &[u8]); 3] =
        [("location", b"side.bin"), ("offset", b"0"), ("length", b"18446744073709551615")];
    let long = Tensor::external("w", &[2, 2], &long);
    let negative = Tensor::external("w", &[2, 2], &[("location", b"side.bin"), ("offset", b"-1")]);
    cases.push(case("ext_len.onnx", holding(&[long]), Refused(""), "external length of 2^64 - 1"));
    cases.push(case("ext_negoff.onnx", holding(&[negative]), Refused(""), "external offset of -1"));
    cases
}

fn versions() -> Vec<Case> {
    let model = |change: fn(&mut Model)| {
        let mut model = Model::small(&[relu()], &[weight()]);
        change(&mut model);
        model.bytes()
    };
    vec![
        case("opset_none.onnx", model(|model| model.opset = None), Refused(""), "no opset"),
        case("opset_9999.onnx", model(|model| model.opset = Some(9999)), Refused(""), "opset 9999"),
        case("opset_6.onnx", model(|model| model.opset = Some(6)), Refused(""), "opset 6"),
        case("ir_99.onnx", model(|model| model.ir = 99), Refused(""), "format version 99"),
    ]
}

fn graphs() -> Vec<Case> {
    let node = Node::new;
    let cycle = [node("Relu", &["b"], "a"), node("Relu", &["a"], "b"), node("Relu", &["b"], "y")];
    let foreign = Node { domain: "com.evil", ..node("Evil", &["w"], "y") };
    let code = "z; std::process::exit(0)";
    let inject = [Node { name: "\"); panic!(\"", ..node("Relu", &["w"], code) }, node("Relu", &[code], "y")];
    vec![
        case("cycle.onnx", around(&cycle), Refused(""), "cyclic graph"),
        case("selfloop.onnx", around(&[node("Relu", &["y"], "y")]), Refused(""), "node that feeds itself"),
        case("dangling.onnx", around(&[node("Relu", &["nope"], "y")]), Refused(""), "input from nowhere"),
        case("dupout.onnx", around(&[relu(), relu()]), Refused(""), "two nodes give the same output"),
        case("dupinit.onnx", holding(&[weight(), weight()]), Refused(""), "tensor twice"),
        case("custom_op.onnx", around(&[foreign]), Refused(""), "operator of a stranger's domain"),
        case("unknown_op.onnx", around(&[node("Frobnicate", &["w"], "y")]), Refused(""), "unknown operator"),
        case("name_inject.onnx", around(&inject), Refused(""), "names that are Rust code"),
    ]
}

fn tensors() -> Vec<Case> {
    let of = |dims: &[i64], raw: &[u8]| Tensor::new("w", dims, raw.to_vec());
    let two = [3.0_f32, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let both = Tensor { floats: Some(vec![3.0, 4.0]), ..Tensor::new("w", &[2], two) };
    let kind = |kind, raw: Option<Vec<u8>>| holding(&[Tensor { kind, ..Tensor::new("w", &[2], raw) }]);
    let nan = of(&[1], &f32::NAN.to_le_bytes());
    let huge = 1 << 62;
    vec![
        case("raw_short.onnx", holding(&[of(&[2, 2], &[0; 4])]), Refused(""), "fewer values than stated"),
        case("raw_odd.onnx", holding(&[of(&[2, 2], &[0; 15])]), Refused(""), "15 bytes"),
        case("dims_neg.onnx", holding(&[of(&[-1, 2], &[])]), Refused(""), "negative extent"),
        case("dims_ovf.onnx", holding(&[of(&[huge, huge], &[])]), Refused(""), "shape overflows"),
        case("dims_huge.onnx", holding(&[of(&[1 << 33], &[])]), Refused(""), "32 GiB, none there"),
        case("both.onnx", holding(&[both]), Refused(""), "values in two ways"),
        case("dt_99.onnx", kind(99, Some(vec![0; 8])), Refused(""), "data type 99"),
        case("dt_string.onnx", kind(8, None), Refused(""), "tensor of texts"),
        case("nan.onnx", holding(&[nan]), Refused(""), "NaN, in no VGG"),
    ]
}

fn encodings() -> Vec<Case> {
    let mut nested = Vec::new();
    for _ in 0..2000 {
        let branch = [bytes(1, "then_branch"), bytes(6, &nested), integer(20, 5)].concat();
        let node = Node { attributes: vec![branch], ..Node::new("If", &[], "y") };
        nested = bytes(1, node.encoded());
    }
    let nested = [integer(1, 8), bytes(7, nested)].concat();
    let endless = [&b"\x08"[..], &[0xff; 20]].concat();
    vec![
        case("len_lies.onnx", b"\x3a\xff\xff\xff\xff\x7f".to_vec(), Refused(""), "message of 32 GiB"),
        case("varint_long.onnx", endless, Refused(""), "integer of more than ten bytes"),
        case("group_wire.onnx", b"\x0b\x0c".to_vec(), Refused(""), "groups"),
        case("nest_2000.onnx", nested, Refused(""), "2000 graphs in one another"),
    ]
}

/// A whole first convolution, with one thing wrong or unusual.
fn networks() -> Vec<Case> {
    let vgg =
        |name: &str, expect, what, change: fn(&mut Model)| case(name, Model::with(change), expect, what);
    vec![
        vgg("vgg_good.onnx", Converted, "control", |_| ()),
        case("vgg_narrow.onnx", Model::narrow().bytes(), Converted, "narrow, half precision"),
        vgg("vgg_nan.onnx", Refused("NaN"), "NaN within the weights", |model| {
            model.tensors[0].raw = Some(network::floats_with(64 * 27, 777, f32::NAN));
        }),
        vgg("vgg_inf_bias.onnx", Refused("infinite"), "infinity within the bias", |model| {
            model.tensors[1].raw = Some(network::floats_with(64, 63, f32::INFINITY));
        }),
        vgg("vgg_short.onnx", Refused(""), "one value short", |model| {
            model.tensors[0].raw = Some(network::floats(64 * 27 - 1));
        }),
        vgg("vgg_no_values.onnx", Refused(""), "no values at all", |model| model.tensors[0].raw = None),
        vgg("vgg_both.onnx", Refused(""), "values in two ways", |model| {
            model.tensors[1].floats = Some(vec![0.0; 64]);
        }),
        vgg("vgg_f8.onnx", Refused("float8"), "weights of 8-bit floats", |model| {
            (model.tensors[0].kind, model.tensors[0].raw) = (17, Some(vec![0; 64 * 27]));
        }),
        vgg("vgg_wide.onnx", Refused(""), "shape of 108 TiB", |model| model.tensors[0].dims[0] = 1 << 40),
        vgg("vgg_negative.onnx", Refused(""), "negative extent", |model| model.tensors[0].dims[0] = -64),
        vgg("vgg_dupinit.onnx", Refused("features.0.bias"), "the bias twice", |model| {
            model.tensors.push(Tensor::new("features.0.bias", &[64], vec![0; 256]));
        }),
        vgg("vgg_dupout.onnx", Refused(""), "two nodes give the same output", |model| {
            model.nodes.push(model.nodes[1].clone());
        }),
        vgg("vgg_cycle.onnx", Refused(""), "the convolution takes its own output", |model| {
            model.nodes[0].inputs[0] = "y";
        }),
        vgg("vgg_dangling.onnx", Refused(""), "the bias is nowhere", |model| {
            model.tensors.pop();
        }),
        vgg("vgg_custom.onnx", Refused(""), "a stranger's ReLU", |model| model.nodes[1].domain = "com.evil"),
        vgg("vgg_opset_9999.onnx", Refused("9999"), "opset 9999", |model| model.opset = Some(9999)),
        case("vgg_len_lies.onnx", lying(), Refused(""), "the graph states 32 GiB"),
    ]
}

fn lying() -> Vec<u8> {
    let model = Model::network();
    [integer(1, 8), varint(7 << 3 | 2), varint(1 << 35), model.graph()].concat()
}
