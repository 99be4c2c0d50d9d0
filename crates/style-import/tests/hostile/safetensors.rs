//! Hostile and odd safetensors files.

use std::fmt::Write;

use crate::case::{Case, Expect};
use crate::network;
use crate::pytorch_network::Checkpoint;
use Expect::{Converted, Harmless, NotVgg, Refused};

/// A header's length, the header, and the values.
pub(crate) fn file(header: impl AsRef<[u8]>, data: &[u8]) -> Vec<u8> {
    let header = header.as_ref();
    stating(header.len() as u64, header, data)
}

fn stating(length: u64, header: &[u8], data: &[u8]) -> Vec<u8> {
    [&length.to_le_bytes(), header, data].concat()
}

/// One tensor's item of a header; the name is JSON already, without its quotes.
pub(crate) fn item(name: &str, dtype: &str, shape: &[i64], offsets: [u64; 2]) -> String {
    let [start, end] = offsets;
    format!("\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}")
}

pub(crate) fn object(items: &[String]) -> String {
    format!("{{{}}}", items.join(","))
}

/// One tensor of one float.
fn float(name: &str, start: u64, end: u64) -> String {
    item(name, "F32", &[1], [start, end])
}

pub(crate) fn cases() -> Vec<Case> {
    [lengths, headers, tensors, sizes, names, networks].into_iter().flat_map(|group| group()).collect()
}

fn case(name: &str, bytes: Vec<u8>, expect: Expect, what: &str) -> Case {
    Case::new(name, bytes, expect, what)
}

fn lengths() -> Vec<Case> {
    let long = stating(101_000_000, b"{}", &[]);
    vec![
        case("good.safetensors", file(object(&[float("w", 0, 4)]), &[0; 4]), NotVgg, "one small tensor"),
        case("zero.safetensors", Vec::new(), Refused("empty"), "0 bytes"),
        case("seven.safetensors", b"\x01\0\0\0\0\0\0".to_vec(), Refused(""), "7 bytes"),
        case("hlen_past.safetensors", stating(1000, b"{}", &[]), Refused(""), "header longer than the file"),
        case("hlen_max.safetensors", stating(u64::MAX, b"{}", &[]), Refused(""), "header of 2^64 - 1 bytes"),
        case("hlen_101M.safetensors", long, Refused(""), "header of more than 100 MB"),
    ]
}

fn headers() -> Vec<Case> {
    let twice = object(&[float("a", 0, 4), float("a", 0, 4)]);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    let number = "{\"__metadata__\":{\"a\":1}}";
    let bare = Checkpoint::new().pickle();
    vec![
        case("notjson.safetensors", file("hello!!!", &[]), Refused(""), "not JSON"),
        case("notutf8.safetensors", file(b"{\"\xff\":1}", &[]), Refused(""), "not UTF-8"),
        case("leadspace.safetensors", file("   {}", &[]), Refused(""), "must begin with {"),
        case("dupkey.safetensors", file(twice, &[0; 4]), Refused(""), "name twice"),
        case("metaint.safetensors", file(number, &[]), Refused(""), "metadata that is no text"),
        case("deepjson.safetensors", file(deep, &[]), Refused(""), "JSON of 200,000 levels"),
        case("pickle_as.safetensors", bare, Refused(""), "a pickle, renamed"),
    ]
}

fn tensors() -> Vec<Case> {
    let of = |items: &[String], data: usize| file(object(items), &vec![0; data]);
    let shaped = |shape: &[i64], dtype, end| object(&[item("a", dtype, shape, [0, end])]);
    let huge = "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775808,9223372036854775808],\"data_offsets\":[0,4]}}";
    vec![
        case("overlap.safetensors", of(&[float("a", 0, 4), float("b", 0, 4)], 4), Refused(""), "overlap"),
        case("hole.safetensors", of(&[float("a", 0, 4), float("b", 8, 12)], 12), Refused(""), "hole"),
        case("trailing.safetensors", of(&[float("a", 0, 4)], 8), Refused(""), "bytes after the last tensor"),
        case("short.safetensors", of(&[float("a", 0, 4)], 3), Refused(""), "too few bytes"),
        case("rev.safetensors", of(&[float("a", 4, 0)], 4), Refused(""), "offsets reversed"),
        case("ovf.safetensors", file(huge, &[0; 4]), Refused(""), "shape overflows"),
        case("baddtype.safetensors", file(shaped(&[1], "F33", 4), &[0; 4]), Refused(""), "unknown type"),
        case("f8.safetensors", file(shaped(&[1], "F8_E4M3", 1), &[0]), Refused(""), "f8"),
        case("negshape.safetensors", file(shaped(&[-1], "F32", 4), &[0; 4]), Refused(""), "negative extent"),
        case(
            "nan.safetensors",
            file(object(&[float("a", 0, 4)]), &f32::NAN.to_le_bytes()),
            Refused(""),
            "NaN, in no VGG",
        ),
    ]
}

fn sizes() -> Vec<Case> {
    let mut many = String::new();
    for place in 0..200_000 {
        let separator = if place == 0 { "" } else { "," };
        write!(many, "{separator}{}", item(&format!("weight_{place}"), "F32", &[0], [0, 0])).unwrap();
    }
    let rank = object(&[item("a", "F32", &vec![1; 100_000], [0, 4])]);
    let name = object(&[float(&"a".repeat(1_000_000), 0, 4)]);
    vec![
        case("many_200k.safetensors", file(format!("{{{many}}}"), &[]), Refused(""), "200,000 empty tensors"),
        case("rank_100k.safetensors", file(rank, &[0; 4]), Refused(""), "tensor of 100,000 dimensions"),
        case("name_1M.safetensors", file(name, &[0; 4]), Refused(""), "name of 1 MB"),
    ]
}

fn names() -> Vec<Case> {
    let named = |name: &str| file(object(&[float(name, 0, 4)]), &[0; 4]);
    vec![
        case(
            "name_ctrl.safetensors",
            named("\\u001b[2J\\nweights"),
            Refused(""),
            "terminal escape in a name: the message must not have it",
        ),
        case("name_html.safetensors", named("<script>alert(1)</script>"), Refused(""), "markup in a name"),
    ]
}

/// The first convolution of a VGG network, to be spoilt.
pub(crate) struct Network {
    pub(crate) weight: String,
    pub(crate) bias: String,
    pub(crate) more: Vec<String>,
    pub(crate) data: Vec<u8>,
}

/// Bytes of its values.
const END: u64 = 4 * (64 * 27 + 64);
const MIDDLE: u64 = 4 * 64 * 27;

impl Network {
    pub(crate) fn new() -> Self {
        Self {
            weight: item("features.0.weight", "F32", &network::WEIGHT, [0, MIDDLE]),
            bias: item("features.0.bias", "F32", &[64], [MIDDLE, END]),
            more: Vec::new(),
            data: [network::floats(64 * 27), network::floats(64)].concat(),
        }
    }

    /// With four channels, in half precision: a small file.
    pub(crate) fn narrow() -> Self {
        let middle = 2 * u64::from(network::NARROW_COUNT);
        Self {
            weight: item("features.0.weight", "F16", &network::NARROW, [0, middle]),
            bias: item("features.0.bias", "F16", &[4], [middle, middle + 8]),
            more: vec!["\"__metadata__\":{\"format\":\"pt\"}".into()],
            data: [network::halves(network::NARROW_COUNT as usize), network::halves(4)].concat(),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut items = vec![self.weight.clone(), self.bias.clone()];
        items.extend(self.more.iter().cloned());
        file(object(&items), &self.data)
    }

    fn with(change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut network = Self::new();
        change(&mut network);
        network.bytes()
    }
}

/// A whole first convolution, with one thing wrong or unusual.
fn networks() -> Vec<Case> {
    let vgg =
        |name: &str, expect, what, change: fn(&mut Network)| case(name, Network::with(change), expect, what);
    let weight = |dtype, shape: &[i64], end| item("features.0.weight", dtype, shape, [0, end]);
    let with_weight = |name: &str, item: String, expect, what| {
        case(name, Network::with(|network| network.weight = item), expect, what)
    };
    let shape = &network::WEIGHT;
    vec![
        vgg("vgg_good.safetensors", Converted, "control", |_| ()),
        case("vgg_narrow.safetensors", Network::narrow().bytes(), Converted, "narrow, half precision"),
        vgg("vgg_nan.safetensors", Refused("NaN"), "NaN within the weights", |network| {
            network.data[4 * 777..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
        }),
        vgg("vgg_inf_bias.safetensors", Refused("infinite"), "infinity within the bias", |network| {
            let last = network.data.len() - 4;
            network.data[last..].copy_from_slice(&f32::INFINITY.to_le_bytes());
        }),
        case("vgg_f8.safetensors", f8(), Refused("f8_e4m3"), "weights of 8-bit floats"),
        case(
            "vgg_i32.safetensors",
            Network::with(|network| {
                network.weight = network.weight.replace("F32", "I32");
            }),
            Refused("i32"),
            "weights are integers",
        ),
        with_weight("vgg_overlap.safetensors", weight("F32", shape, MIDDLE + 4), Refused(""), "too long"),
        with_weight("vgg_hole.safetensors", weight("F32", shape, MIDDLE - 4), Refused(""), "too short"),
        with_weight("vgg_f64.safetensors", weight("F64", shape, MIDDLE), Refused(""), "half of its bytes"),
        with_weight(
            "vgg_wide.safetensors",
            weight("F32", &[1 << 40, 3, 3, 3], MIDDLE),
            Refused(""),
            "shape of 108 TiB",
        ),
        with_weight(
            "vgg_offset_huge.safetensors",
            weight("F32", shape, u64::MAX),
            Refused(""),
            "offset of 2^64 - 1",
        ),
        vgg("vgg_dupkey.safetensors", Refused("features.0.bias"), "the bias twice", |network| {
            network.more.push(network.bias.clone());
        }),
        vgg("vgg_trailing.safetensors", Refused(""), "bytes after the last tensor", |network| {
            network.data.extend([0; 8]);
        }),
        vgg("vgg_short.safetensors", Refused(""), "one byte short", |network| {
            network.data.pop();
        }),
        vgg("vgg_metaint.safetensors", Refused(""), "metadata that is no text", |network| {
            network.more.push("\"__metadata__\":{\"a\":1}".into());
        }),
        vgg(
            "vgg_control_name.safetensors",
            Harmless,
            "terminal escape in another tensor's name",
            |network| {
                network.more.push(item("\\u001b[2J\\nclassifier", "F32", &[0], [END, END]));
            },
        ),
        vgg("vgg_unknown_field.safetensors", Harmless, "a field that the format does not have", |network| {
            network.bias = network.bias.replace("\"shape\"", "\"file\":\"/etc/passwd\",\"shape\"");
        }),
    ]
}

fn f8() -> Vec<u8> {
    Network::with(|network| {
        network.weight = item("features.0.weight", "F8_E4M3", &network::WEIGHT, [0, 64 * 27]);
        network.bias = item("features.0.bias", "F32", &[64], [64 * 27, 64 * 27 + 256]);
        network.data.truncate(64 * 27 + 256);
    })
}
