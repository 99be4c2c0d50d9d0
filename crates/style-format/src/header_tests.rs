use super::*;

/// What is wrong with a header that so many bytes follow.
fn refusal(header: &str, data_length: u64) -> String {
    let text = SafetensorsHeader::parse(header.as_bytes(), data_length).unwrap_err().to_string();
    text.strip_prefix("not a usable safetensors file: ").map_or(text.clone(), str::to_owned)
}

fn entry(name: &str, dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#"{{"{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}}}"#)
}

#[test]
fn tensors_come_in_the_order_of_their_values() {
    let header = r#"{"__metadata__":{"format":"pt"},
        "a":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},
        "empty":{"dtype":"I64","shape":[0,5],"data_offsets":[4,4]},
        "scalar":{"dtype":"F32","shape":[],"data_offsets":[0,4]},
        "half":{"dtype":"F4","shape":[6],"data_offsets":[16,19]}}  "#;
    let SafetensorsHeader { metadata, tensors } = SafetensorsHeader::parse(header.as_bytes(), 19).unwrap();
    assert_eq!(metadata["format"], "pt");
    let shown: Vec<_> = tensors.iter().map(|t| (&*t.name, t.dtype, &*t.shape, t.start, t.length)).collect();
    assert_eq!(
        shown,
        [
            ("scalar", "f32", &[][..], 0, 4),
            ("empty", "i64", &[0, 5], 4, 0),
            ("a", "f16", &[2, 3], 4, 12),
            ("half", "f4", &[6], 16, 3)
        ]
    );
    assert!(SafetensorsHeader::parse(b"{}", 0).unwrap().tensors.is_empty());
}

#[test]
fn every_byte_belongs_to_one_tensor() {
    let two = |first: &str, second: &str| {
        let entry = |offsets: &str| format!(r#"{{"dtype":"U8","shape":[4],"data_offsets":{offsets}}}"#);
        format!(r#"{{"a":{},"b":{}}}"#, entry(first), entry(second))
    };
    assert!(SafetensorsHeader::parse(two("[4,8]", "[0,4]").as_bytes(), 8).is_ok());
    assert_eq!(refusal(&two("[0,4]", "[0,4]"), 8), "\"b\" shares bytes with the tensor before it");
    assert_eq!(refusal(&two("[0,4]", "[2,6]"), 6), "\"b\" shares bytes with the tensor before it");
    assert_eq!(refusal(&two("[0,4]", "[8,12]"), 12), "\"b\" leaves a gap after the tensor before it");
    assert_eq!(refusal(&two("[0,4]", "[4,8]"), 9), "1 bytes follow its last tensor");
    let text = refusal(&two("[0,4]", "[4,8]"), 7);
    assert!(text.starts_with("the file is cut short: its header promises"), "{text}");
}

#[test]
fn shapes_and_types_must_take_the_bytes_they_claim() {
    for (dtype, shape, offsets, reason) in [
        ("F32", "[1]", "[4,0]", "\"w\" is damaged: f32 values of shape [1] do not take the bytes 4 to 0"),
        ("F32", "[2]", "[0,4]", "\"w\" is damaged: f32 values of shape [2] do not take the bytes 0 to 4"),
        ("F4", "[1]", "[0,1]", "\"w\" is damaged: f4 values of shape [1] do not take the bytes 0 to 1"),
        ("F33", "[1]", "[0,4]", "\"w\" has the unknown element type \"F33\""),
        ("f32", "[1]", "[0,4]", "\"w\" has the unknown element type \"f32\""),
        ("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]", "\"w\" has 9 axes, at most 8 are allowed"),
    ] {
        assert_eq!(refusal(&entry("w", dtype, shape, offsets), 4), reason);
    }
    let text = refusal(&entry("w", "F32", "[9223372036854775808,4]", "[0,4]"), 4);
    assert!(text.contains("do not take the bytes"), "{text}");
    let text = refusal(&entry("w", "F32", "[-1]", "[0,4]"), 4);
    assert!(text.contains("invalid value: integer `-1`"), "{text}");
}

#[test]
fn nothing_stands_in_a_header_twice() {
    let tensor = r#"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#;
    for (header, name) in [
        (format!(r#"{{"a":{tensor},"a":{tensor}}}"#), "\"a\" stands there twice"),
        (format!(r#"{{"a":{tensor},"\u0061":{tensor}}}"#), "\"a\" stands there twice"),
        (r#"{"__metadata__":{},"__metadata__":{}}"#.into(), "\"__metadata__\" stands there twice"),
        (r#"{"__metadata__":{"k":"1","k":"2"}}"#.into(), "\"k\" stands there twice"),
        (format!(r#"{{"a":{}}}"#, tensor.replace('{', r#"{"dtype":"U8","#)), "duplicate field `dtype`"),
        (format!(r#"{{"a":{}}}"#, tensor.replace('{', r#"{"more":1,"#)), "unknown field `more`"),
    ] {
        let text = refusal(&header, 0);
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn headers_that_are_something_else_are_refused() {
    for header in ["", "   {}", "hello!!!", "[]", "{", "{}x", r#"{"a":1}"#, r#"{"__metadata__":{"a":1}}"#] {
        assert!(refusal(header, 0).starts_with("its header is not valid: "), "{header:?}");
    }
    assert!(SafetensorsHeader::parse(b"{\"\xff\":1}", 0).is_err());
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(refusal(&deep, 0).starts_with("its header is not valid: "));
}

#[test]
fn names_can_be_printed_and_are_not_too_many() {
    let text = refusal(&entry(r"\u001b[2J\nweights", "F32", "[1]", "[0,4]"), 4);
    assert!(text.contains(r#"the name "\u{1b}[2J\nweights" has control characters"#), "{text}");
    let text = refusal(&entry(&"a".repeat(257), "F32", "[1]", "[0,4]"), 4);
    assert!(text.contains("a name has 257 characters, at most 256 are allowed"), "{text}");
    let text = refusal(&entry("w", r"\u001b[2J", "[1]", "[0,4]"), 4);
    assert!(!text.chars().any(char::is_control), "{text:?}");
    let tensor = r#"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#;
    let many = |count: usize| {
        let all: Vec<_> = (0..count).map(|name| format!("\"{name}\":{tensor}")).collect();
        format!("{{{}}}", all.join(","))
    };
    assert_eq!(SafetensorsHeader::parse(many(4096).as_bytes(), 0).unwrap().tensors.len(), 4096);
    assert!(refusal(&many(4097), 0).contains("it has more than 4096 tensors"));
}

#[test]
fn the_header_is_shorter_than_a_mebibyte_and_than_the_file() {
    let length = |length: u64, file| SafetensorsHeader::length(&length.to_le_bytes(), file);
    assert_eq!(length(100, 108).unwrap(), 100);
    assert_eq!(length(100, 107).unwrap_err(), FormatError::Truncated { found: 107, expected: 108 });
    for claimed in [(1 << 20) + 1, 101_000_000, u64::MAX] {
        let text = length(claimed, u64::MAX).unwrap_err().to_string();
        assert!(text.contains(&format!("its header claims {claimed} bytes")), "{text}");
    }
    assert!(SafetensorsHeader::length(&[0; 7], 7).unwrap_err().to_string().ends_with("it has 7 bytes"));
}
