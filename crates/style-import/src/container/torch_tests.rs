use super::*;
use crate::container::tests::tensor;
use crate::container::unpickle::load;
use crate::source::SourceFile;

/// Names, types and shapes of the tensors in this value, or what is wrong.
fn found(value: &[u8]) -> Result<Vec<String>, ImportError> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let file = Arc::new(SourceFile::open(path.as_ref())?);
    let pickle = [value, b"."].concat();
    let (heap, root) = load(&pickle)?;
    let locate = |_: &str, described: &Storage| {
        Ok(Arc::new(storage::Storage::new(&file, 0, described.byte_len()?, None)?))
    };
    let shown = |tensor: StoredTensor| format!("{} {} {:?}", tensor.name, tensor.dtype.name(), tensor.shape);
    Ok(tensors(&heap, root, locate)?.into_iter().map(shown).collect())
}

fn refusal(value: &[u8]) -> String {
    let text = found(value).unwrap_err().to_string();
    let text = text.strip_prefix("the checkpoint is damaged or cut off: ").unwrap_or(&text);
    text.strip_prefix("in its pickle, ").unwrap_or(text).to_owned()
}

fn text(text: &str) -> Vec<u8> {
    [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

fn dict(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let entries: Vec<u8> = entries.iter().flat_map(|(key, value)| [*key, value].concat()).collect();
    [b"}(", &entries[..], b"u"].concat()
}

/// A dictionary of one tensor, `w`, of floats.
fn one(values: u8, offset: u8, shape: &[u8], strides: &[u8]) -> Vec<u8> {
    dict(&[(&text("w"), &tensor("FloatStorage", values, offset, shape, strides))])
}

#[test]
fn tensors_are_named_by_the_keys_on_the_way_to_them() {
    let w = tensor("FloatStorage", 4, 0, &[4], &[1]);
    let state = dict(&[(&text("features.0.weight"), &w), (&text("features.0.bias"), &w)]);
    let list = [b"](", &w[..], &w, b"e"].concat();
    let pair = [&text("momentum")[..], &w, b"\x86"].concat();
    let pairs = [b"ccollections\nOrderedDict\n](", &pair[..], b"e\x85R"].concat();
    let all = dict(&[
        (&text("model"), &state),
        (b"K\x03", &list),
        (&text("epoch"), b"K\x05"),
        (&text("sgd"), &pairs),
    ]);
    assert_eq!(
        found(&all).unwrap(),
        [
            "model.features.0.weight f32 [4]",
            "model.features.0.bias f32 [4]",
            "3.0 f32 [4]",
            "3.1 f32 [4]",
            "sgd.momentum f32 [4]"
        ]
    );
    assert!(found(b"}").unwrap().is_empty());
}

#[test]
fn every_storage_class_has_its_type() {
    for (class, dtype) in [
        ("DoubleStorage", "f64"),
        ("FloatStorage", "f32"),
        ("HalfStorage", "f16"),
        ("BFloat16Storage", "bf16"),
        ("ByteStorage", "u8"),
        ("LongStorage", "i64"),
        ("IntStorage", "i32"),
        ("ShortStorage", "i16"),
        ("CharStorage", "i8"),
        ("BoolStorage", "bool"),
        ("storage.UntypedStorage", "untyped"),
    ] {
        let value = dict(&[(&text("w"), &tensor(class, 1, 0, &[], &[]))]);
        assert_eq!(found(&value).unwrap(), [format!("w {dtype} []")]);
    }
}

#[test]
fn parameters_and_sizes_are_seen_through() {
    let w = tensor("FloatStorage", 4, 0, &[4], &[1]);
    let parameter = [b"ctorch._utils\n_rebuild_parameter\n(", &w[..], b"\x88NtR"].concat();
    assert_eq!(found(&dict(&[(&text("p"), &parameter)])).unwrap(), ["p f32 [4]"]);
    let sized =
        b"ctorch._utils\n_rebuild_tensor\n((X\x07\0\0\0storagectorch\nHalfStorage\nK\x07NK\x04NtQK\x01\
        ctorch\nSize\n(K\x03t\x85R(K\x01ttR";
    assert_eq!(found(&dict(&[(&text("s"), sized)])).unwrap(), ["s f16 [3]"]);
    let device = b"ctorch\ndevice\nX\x03\0\0\0cpu\x85R";
    assert!(found(&dict(&[(&text("d"), device)])).unwrap().is_empty());
}

#[test]
fn parts_of_storages_are_where_early_files_say() {
    let part = |start: u8, length: u8, offset: u8| {
        let mut value =
            b"ctorch._utils\n_rebuild_tensor\n((X\x07\0\0\0storagectorch\nFloatStorage\nK\x01NK\x08\
            (K\x02K"
                .to_vec();
        value.extend([start, b'K', length, b't', b't', b'Q', b'K', offset]);
        value.extend(b"(K\x02t(K\x01ttR");
        dict(&[(&text("w"), &value)])
    };
    assert!(found(&part(4, 2, 0)).is_ok());
    assert_eq!(
        refusal(&part(4, 2, 1)),
        "a tensor of shape [2] with strides [1] at 5 leaves its storage of 6 values"
    );
    assert_eq!(refusal(&part(4, 5, 0)), "a part of a storage is larger than the whole");
}

#[test]
fn tensors_stay_inside_their_storages() {
    assert!(found(&one(4, 1, &[3], &[1])).is_ok());
    assert!(found(&one(4, 4, &[0, 3], &[3, 1])).is_ok());
    assert!(found(&one(1, 0, &[255, 255], &[0, 0])).is_ok(), "the sum of all bytes is compared later");
    for (values, offset, shape, strides) in
        [(4, 1, &[4][..], &[1][..]), (4, 0, &[2, 2], &[3, 1]), (4, 5, &[0], &[1]), (0, 0, &[], &[])]
    {
        let text = refusal(&one(values, offset, shape, strides));
        assert!(text.contains("leaves its storage of"), "{text}");
    }
    assert_eq!(refusal(&one(4, 0, &[2, 2], &[1])), "a tensor has more axes than strides, or fewer");
    assert_eq!(
        refusal(&one(4, 0, &[1; 9], &[1; 9])),
        "the number of a tensor's axes is 9, at most 8 is allowed"
    );
}

#[test]
fn numbers_that_overflow_or_are_none_are_refused() {
    let with = |from: &[u8], to: &[u8]| {
        let value = one(4, 0, &[2, 2], &[2, 1]);
        let place = value.windows(from.len()).rposition(|window| window == from).unwrap();
        refusal(&[&value[..place], to, &value[place + from.len()..]].concat())
    };
    let natural = "an offset, extent or stride of a tensor is no natural number";
    assert_eq!(with(b"(K\x02K\x02t", b"(J\xff\xff\xff\xffK\x02t"), natural);
    assert_eq!(with(b"(K\x02K\x01t", b"(NK\x01t"), natural);
    assert_eq!(with(b"QK\0", b"QJ\xff\xff\xff\xff"), natural);
    assert_eq!(with(b"(K\x02K\x01t", b"N"), "a shape is no tuple");
    let huge = b"(\x8a\x08\0\0\0\0\0\0\0\x40\x8a\x08\0\0\0\0\0\0\0\x40t";
    assert!(with(b"(K\x02K\x02t", huge).contains("leaves its storage of 4 values"));
    assert_eq!(with(b"K\x04tQ", b"\x8a\x08\0\0\0\0\0\0\0\x40tQ"), "the size of a storage overflows");
}

#[test]
fn calls_with_other_arguments_are_refused() {
    let call = |call: &[u8]| refusal(&dict(&[(&text("w"), call)]));
    assert_eq!(call(b"NN\x85R"), "another value is called");
    assert_eq!(call(b"ctorch\nSize\nNR"), "a call has no arguments");
    assert_eq!(call(b"ctorch\nSize\n)R"), "torch.Size is called with 0 arguments");
    assert_eq!(call(b"ctorch._utils\n_rebuild_tensor\n(NK\0))tR"), "a tensor is made of another value");
    assert_eq!(call(b"ctorch._utils\n_rebuild_tensor_v2\n(NK\0tR"), {
        "torch._utils._rebuild_tensor_v2 is called with 2 arguments"
    });
    for id in [&b"N"[..], b")", b"(NNNNNt", b"(X\x07\0\0\0storageNNNNt", b"(X\x06\0\0\0moduleNNNK\0t"] {
        assert_eq!(call(&[id, b"Q"].concat()), "a storage is not described as PyTorch does");
    }
    assert_eq!(found(b"]").unwrap_err(), ImportError::damaged("it holds a list instead of a dict"));
    assert_eq!(refusal(b"ccollections\nOrderedDict\n](Nee\x85R".as_slice()), {
        "it has a tuple, list or dict without a start"
    });
    assert_eq!(refusal(b"ccollections\nOrderedDict\n](Ne\x85R"), "a dict is made of what are no pairs");
}

#[test]
fn names_are_different_short_and_printable() {
    let w = tensor("FloatStorage", 4, 0, &[4], &[1]);
    let twice = dict(&[(b"K\x01", &w), (&text("1"), &w)]);
    assert_eq!(refusal(&twice), "two tensors are named \"1\"");
    let long = dict(&[(&text(&"x".repeat(257)), &w)]);
    assert_eq!(refusal(&long), "the length of a name is 257, at most 256 is allowed");
    let joined = dict(&[(&text(&"x".repeat(200)), &dict(&[(&text(&"y".repeat(200)), &w)]))]);
    assert_eq!(refusal(&joined), "the length of a name is 401, at most 256 is allowed");
    let control = dict(&[(&text("\u{1b}[2J"), &w)]);
    assert_eq!(refusal(&control), "the name \"\\u{1b}[2J\" has control characters");
}

#[test]
fn values_that_hold_each_other_do_not_last_for_ever() {
    let over = "dicts and lists hold each other over and over";
    assert_eq!(refusal(b"}q\0(K\x01h\0u"), over);
    // Thirty lists, each holding the one before twice: 2^30 ways to the first.
    let mut lists = b"]q\0".to_vec();
    for level in 0..30 {
        lists.extend([b']', b'(', b'h', level, b'h', level, b'e', b'q', level + 1]);
    }
    let lists = [b"(", &lists[..], b"t"].concat();
    assert_eq!(refusal(&dict(&[(b"K\x01", &lists)])), over);
    // One tensor in more places than a network has.
    let many = [&b"}K\x01"[..], &tensor("FloatStorage", 4, 0, &[4], &[1]), b"q\0s"].concat();
    assert_eq!(found(&many).unwrap().len(), 1);
    let many = [&many[..], b"K\x02](", &b"h\0".repeat(4096), b"es"].concat();
    assert_eq!(refusal(&many), "the number of tensors is 4097, at most 4096 is allowed");
}

#[test]
fn long_keys_are_not_copied() {
    // A key of 60,000 characters, fetched 30,000 times: copies of it would be 1.8 GB.
    let key = [&text(&"k".repeat(60_000))[..], b"q\0"].concat();
    let value = [&b"}("[..], &key, b"N", &b"h\0N".repeat(30_000), b"u"].concat();
    assert!(found(&value).unwrap().is_empty());
    // Nor are those of storages, which have to be short as well.
    let storage = [b"(X\x07\0\0\0storagectorch\nFloatStorage\n", &key[..], b"NK\x01tq\0Q"].concat();
    let value = [&b"}K\x01]("[..], &storage, &b"h\0Q".repeat(30_000), b"es"].concat();
    assert_eq!(refusal(&value), "the length of a name is 60000, at most 256 is allowed");
}

#[test]
fn a_tensor_that_is_the_negative_of_what_is_stored_is_refused() {
    let w = tensor("FloatStorage", 4, 0, &[4], &[1]);
    let arguments = w.strip_suffix(b"tR").unwrap();
    let with = |metadata: &[u8]| dict(&[(&text("w"), &[arguments, metadata, b"tR"].concat())]);
    assert!(found(&with(b"}")).is_ok());
    let negative = [b"}", &text("neg")[..], b"\x88s"].concat();
    assert_eq!(refusal(&with(&negative)), "a tensor is marked as something other than what is stored");
}
