#[path = "../../tests/common/zip.rs"]
mod archives;

use tempfile::TempDir;

use super::*;
use crate::tensor::DType;

/// A file with this content; its folder is gone when it is read, which an open file does not mind.
fn file(bytes: &[u8]) -> Arc<SourceFile> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("weights");
    std::fs::write(&path, bytes).unwrap();
    Arc::new(SourceFile::open(&path).unwrap())
}

fn read(bytes: &[u8]) -> Result<Vec<StoredTensor>, ImportError> {
    match super::read(&file(bytes), External::Refused)?.network {
        Network::Tensors(tensors) => Ok(tensors),
        Network::Graph(found) => panic!("{found:?}"),
    }
}

fn refusal(bytes: &[u8]) -> String {
    let text = read(bytes).unwrap_err().to_string();
    text.strip_prefix("the checkpoint is damaged or cut off: ").map_or(text.clone(), str::to_owned)
}

pub(super) fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let entries = entries.iter().map(|(name, bytes)| archives::Entry::stored(name, *bytes));
    archives::archive(&entries.collect::<Vec<_>>())
}

/// A tensor's instructions: the storage `"0"` of this class and length, with shape and strides as tuples.
pub(super) fn tensor(class: &str, values: u8, offset: u8, shape: &[u8], strides: &[u8]) -> Vec<u8> {
    let mut pickle = b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n".to_vec();
    pickle.extend(class.as_bytes());
    pickle.extend(b"\nX\x01\0\0\x000X\x03\0\0\0cpuK");
    pickle.extend([values, b't', b'Q', b'K', offset]);
    for extents in [shape, strides] {
        pickle.push(b'(');
        pickle.extend(extents.iter().flat_map(|&extent| [b'K', extent]));
        pickle.push(b't');
    }
    pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    pickle
}

/// A dictionary of one entry, `"w"`.
fn state_dict(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02}(X\x01\0\0\0w", value, b"u."].concat()
}

const FOUR: [u8; 16] = [0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64];

fn zip_of(pickle: &[u8]) -> Vec<u8> {
    archive(&[("a/data.pkl", pickle), ("a/data/0", &FOUR)])
}

/// A legacy file around this state dict, with one storage of four floats.
fn legacy_of(pickle: &[u8]) -> Vec<u8> {
    let magic = [&b"\x80\x02\x8a\x0a"[..], &LEGACY, b"."].concat();
    let machine = b"\x80\x02}X\x0d\0\0\0little_endian\x88s.";
    let (protocol, keys, count) = (b"\x80\x02M\xe9\x03.", b"\x80\x02]X\x01\0\0\x000a.", 4_u64.to_le_bytes());
    [&magic, &protocol[..], machine, pickle, keys, &count, &FOUR].concat()
}

#[test]
fn containers_are_known_by_their_first_bytes() {
    let kind = |bytes: &[u8]| kind(&file(bytes));
    let dict = state_dict(&tensor("FloatStorage", 4, 0, &[4], &[1]));
    assert_eq!(kind(&zip_of(&dict)).unwrap(), Kind::Zip);
    assert_eq!(kind(&legacy_of(&dict)).unwrap(), Kind::Legacy);
    assert_eq!(kind(b"\x02\0\0\0\0\0\0\0{}").unwrap(), Kind::Safetensors);
    assert_eq!(kind(b"\x08\x07\x12\x07pytorch").unwrap(), Kind::Onnx);
    // A length that could be ONNX's first field.
    assert_eq!(kind(b"\x08\x01\0\0\0\0\0\0{\"a\"").unwrap(), Kind::Safetensors);
    for (bytes, found) in [(&b"GGUF\x03"[..], "a GGUF file"), (b"\x93NUMPY\x01", "a NumPy array")] {
        assert!(kind(bytes).unwrap_err().to_string().contains(found));
    }
    let mut tar = vec![8; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    tar[16..26].copy_from_slice(&LEGACY);
    assert!(kind(&tar).unwrap_err().to_string().contains("a TAR checkpoint"));
}

#[test]
fn the_three_containers_hold_the_same_tensor() {
    let dict = state_dict(&tensor("FloatStorage", 4, 0, &[2, 2], &[1, 2]));
    let header = br#"{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;
    let transposed: Vec<u8> =
        [0, 8, 4, 12].iter().flat_map(|&at: &usize| FOUR[at..at + 4].to_vec()).collect();
    let safetensors = [&(header.len() as u64).to_le_bytes()[..], header, &transposed].concat();
    for bytes in [zip_of(&dict), legacy_of(&dict), safetensors] {
        let [tensor] = &read(&bytes).unwrap()[..] else { panic!() };
        assert_eq!((&*tensor.name, tensor.dtype, &tensor.shape[..]), ("w", DType::F32, &[2, 2][..]));
        assert_eq!(tensor.read_floats().unwrap(), [1.0, 3.0, 2.0, 4.0]);
    }
}

#[test]
fn a_native_file_is_known_by_its_metadata() {
    let header = br#"{"__metadata__":{"format":"style-transfer.vgg"}}"#;
    let bytes = [&(header.len() as u64).to_le_bytes()[..], header].concat();
    assert!(read(&bytes).unwrap_err().to_string().contains("nothing for `version`"));
    let other = br#"{"__metadata__":{"format":"pt"}}"#;
    let bytes = [&(other.len() as u64).to_le_bytes()[..], other].concat();
    assert_eq!(read(&bytes).unwrap().len(), 0);
}

#[test]
fn every_prefix_of_a_good_file_is_refused() {
    let dict = state_dict(&tensor("FloatStorage", 4, 0, &[4], &[1]));
    for bytes in [zip_of(&dict), legacy_of(&dict)] {
        assert!((0..bytes.len()).all(|length| read(&bytes[..length]).is_err()));
        assert!(read(&[&bytes[..], b"\0"].concat()).is_err(), "nothing may follow");
    }
}

#[test]
fn no_changed_byte_makes_a_panic() {
    let dict = state_dict(&tensor("FloatStorage", 4, 0, &[2, 2], &[2, 1]));
    for bytes in [zip_of(&dict), legacy_of(&dict)] {
        for place in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[place] ^= change;
                for tensor in read(&changed).unwrap_or_default() {
                    let _ = (tensor.byte_len(), tensor.read_floats());
                }
            }
        }
    }
}

#[test]
fn a_changed_value_is_noticed_where_there_is_a_checksum() {
    let mut bytes = zip_of(&state_dict(&tensor("FloatStorage", 4, 0, &[4], &[1])));
    let place = bytes.windows(16).position(|window| window == FOUR).unwrap();
    bytes[place + 3] ^= 1;
    let error = read(&bytes).unwrap()[0].read_floats().unwrap_err().to_string();
    assert!(
        error.ends_with("tensor 'w': its bytes do not have the checksum that the file states"),
        "{error}"
    );
}

#[test]
fn archives_that_readers_could_see_differently_are_refused() {
    let dict = state_dict(&tensor("FloatStorage", 4, 0, &[4], &[1]));
    let good = zip_of(&dict);
    let end = good.len() - 22;
    let with = |place: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[place] = value;
        refusal(&bytes)
    };
    assert_eq!(refusal(&[&good[..], b"x"].concat()), "the archive has no end");
    assert_eq!(with(end + 10, 3), "it has 2 entries, its end record says 3");
    assert_eq!(with(end + 16, 0), "the archive's directory is not where its end says");
    assert_eq!(with(end + 11, 0x20), "the number of entries in the archive is 8194, at most 4096 is allowed");
    let names: Vec<_> = (0..good.len() - 8).filter(|&at| good[at..].starts_with(b"data.pkl")).collect();
    assert_eq!(with(names[0], b'x'), "entry \"a/data.pkl\" is not where the directory says");
    // A comment is where a second archive hides.
    let mut commented = [&good[..], b"PK"].concat();
    commented[end + 20] = 2;
    assert_eq!(refusal(&commented), "the archive has no end");
    let shifted = [b"PK\x03\x04", &good[..]].concat();
    assert_eq!(refusal(&shifted), "the archive's directory is not where its end says");
    let twice = archive(&[("a/data.pkl", &dict), ("a/data.pkm", &dict)]);
    let twice: Vec<u8> = twice.into_iter().map(|byte| if byte == b'm' { b'l' } else { byte }).collect();
    assert_eq!(refusal(&twice), "two entries of the archive have the same name");
    let two = archive(&[("a/data.pkl", &dict), ("b/data.pkl", &dict)]);
    assert_eq!(refusal(&two), "it has 2 entries data.pkl, one is allowed");
    let encrypted = good.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    assert_eq!(with(encrypted + 8, 1), "entry \"a/data.pkl\" is encrypted");
}

#[test]
fn pytorch_writes_64_bit_ends_that_must_agree() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/torchvision_f16.pth");
    let good = std::fs::read(path).unwrap();
    assert_eq!(read(&good).unwrap().len(), 6);
    let end = good.len() - 22;
    let with = |place: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[place] = value;
        bytes
    };
    // Numbers that are left to the 64-bit record.
    let mut wide = with(end + 10, 0xff);
    wide[end + 8..end + 20].fill(0xff);
    assert_eq!(read(&wide).unwrap().len(), 6);
    assert_eq!(refusal(&with(end + 10, 11)), "the archive has two ends that contradict each other");
    assert_eq!(refusal(&with(end - 12, 0)), "the archive's end is not where it says");
    assert_eq!(refusal(&with(end - 76, b'x')), "the archive's end is not where it says");
}

#[test]
fn byte_order_is_little() {
    let dict = state_dict(&tensor("FloatStorage", 4, 0, &[4], &[1]));
    let order = |text: &[u8]| archive(&[("a/data.pkl", &dict), ("a/byteorder", text), ("a/data/0", &FOUR)]);
    assert_eq!(read(&order(b"little")).unwrap().len(), 1);
    assert!(refusal(&order(b"big")).starts_with("the file is a checkpoint of a big-endian machine"));
    assert_eq!(refusal(&order(b"middle")), "its byte order is neither little nor big");
    let swap = |bytes: Vec<u8>, from: &[u8], to: &[u8]| {
        let place = bytes.windows(from.len()).position(|window| window == from).unwrap();
        [&bytes[..place], to, &bytes[place + from.len()..]].concat()
    };
    let big = swap(legacy_of(&dict), b"little_endian\x88", b"little_endian\x89");
    assert!(refusal(&big).starts_with("the file is a checkpoint of a big-endian machine"));
    let unsaid = swap(legacy_of(&dict), b"little_endian\x88", b"little_endianN");
    assert_eq!(refusal(&unsaid), "it does not say in which order numbers have their bytes");
}

#[test]
fn storages_must_be_there() {
    let dict = state_dict(&tensor("FloatStorage", 4, 0, &[4], &[1]));
    let without = archive(&[("a/data.pkl", &dict), ("b/data/0", &FOUR)]);
    assert_eq!(refusal(&without), "the archive has no entry for the storage \"0\"");
    let short = archive(&[("a/data.pkl", &dict), ("a/data/0", &FOUR[..12])]);
    assert_eq!(refusal(&short), "its storage \"0\" has 12 bytes, 16 are described");
    let five = state_dict(&tensor("FloatStorage", 5, 0, &[4], &[1]));
    assert_eq!(refusal(&legacy_of(&five)), "its storage \"0\" does not have the 5 values described");
    let good = legacy_of(&dict);
    let keys = good.windows(8).position(|window| window == b"]X\x01\0\0\x000a").unwrap();
    let replaced = |keys_now: &[u8]| [&good[..keys], keys_now, &good[keys + 8..]].concat();
    assert_eq!(refusal(&replaced(b"]X\x01\0\0\x001a")), "nothing is known of its storage \"1\"");
    assert_eq!(refusal(&replaced(b"]")), "24 bytes follow its last storage");
    let empty = legacy_of(&state_dict(b"N"));
    assert_eq!(refusal(&empty), "nothing is known of its storage \"0\"");
}

#[test]
fn legacy_files_are_checked_pickle_by_pickle() {
    let attack = state_dict(b"cos\nsystem\nX\x02\0\0\0ls\x85R");
    assert!(refusal(&legacy_of(&attack)).contains("asks Python to load \"os.system\""));
    let good = legacy_of(&state_dict(b"N"));
    let with = |from: &[u8], to: &[u8]| {
        let place = good.windows(from.len()).position(|window| window == from).unwrap();
        refusal(&[&good[..place], to, &good[place + from.len()..]].concat())
    };
    assert_eq!(with(b"M\xe9\x03", b"M\xe8\x03"), "its protocol is not 1001");
    assert_eq!(
        with(b"\x50\x19.", b"\x50\x190."),
        "the file uses pickle instruction 0x30, which PyTorch does not \
        allow in a state dict"
    );
    assert_eq!(with(b"\x50\x19.", b"\x50\x19K\x01\x85."), "its magic number is not where it belongs");
    assert!(with(b"]X", b"cos\nsystem\nX").contains("os.system"));
    let endless = [&good[..30], &b"N".repeat(300 << 10)].concat();
    assert_eq!(
        refusal(&endless),
        "the length of the checkpoint's pickles in bytes is 262145, at most 262144 is allowed"
    );
}
