//! Pickle instructions, written one by one (the opcodes are those of Python's `pickletools`).

/// A string.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut bytes = vec![b'X'];
    bytes.extend((text.len() as u32).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

/// An integer in the shortest of three ways.
pub(crate) fn integer(number: i64) -> Vec<u8> {
    if let Ok(byte) = u8::try_from(number) {
        return vec![b'K', byte];
    }
    match i32::try_from(number) {
        Ok(number) => [&b"J"[..], &number.to_le_bytes()].concat(),
        Err(_) => [&b"\x8a\x08"[..], &number.to_le_bytes()].concat(),
    }
}

pub(crate) fn tuple(items: &[Vec<u8>]) -> Vec<u8> {
    [&b"("[..], &items.concat(), b"t"].concat()
}

fn integers(numbers: &[i64]) -> Vec<u8> {
    tuple(&numbers.iter().map(|&number| integer(number)).collect::<Vec<_>>())
}

/// A dictionary of keys and values that are instructions already.
pub(crate) fn dictionary(items: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<_> = items.iter().map(|(key, value)| [&key[..], value].concat()).collect();
    [&b"}("[..], &items.concat(), b"u"].concat()
}

/// A state dict: names and tensors.
pub(crate) fn state_dict(items: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let items: Vec<_> = items.iter().map(|(key, value)| (text(key), value.clone())).collect();
    pickle(&dictionary(&items))
}

/// A whole pickle of protocol 2.
pub(crate) fn pickle(body: &[u8]) -> Vec<u8> {
    protocol(2, body)
}

pub(crate) fn protocol(number: u8, body: &[u8]) -> Vec<u8> {
    [&[0x80, number], body, b"."].concat()
}

/// A tensor as PyTorch pickles it: a view of a storage.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) shape: Vec<i64>,
    pub(crate) strides: Vec<i64>,
    pub(crate) offset: i64,
    pub(crate) storage: &'static str,
    pub(crate) key: String,
    /// Values in the storage.
    pub(crate) count: i64,
    pub(crate) device: &'static str,
    /// In legacy streams a storage names another one that it is part of, or none.
    pub(crate) legacy: bool,
}

impl View {
    /// Of four floats in the storage "0".
    pub(crate) fn new(shape: &[i64], strides: &[i64]) -> Self {
        Self {
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            offset: 0,
            storage: "FloatStorage",
            key: "0".into(),
            count: 4,
            device: "cpu",
            legacy: false,
        }
    }

    pub(crate) fn pickled(&self) -> Vec<u8> {
        let mut storage = vec![
            text("storage"),
            [b"ctorch\n", self.storage.as_bytes(), b"\n"].concat(),
            text(&self.key),
            text(self.device),
            integer(self.count),
        ];
        if self.legacy {
            storage.push(b"N".to_vec());
        }
        let arguments = [
            [tuple(&storage), b"Q".to_vec()].concat(),
            integer(self.offset),
            integers(&self.shape),
            integers(&self.strides),
            b"\x89".to_vec(),
            b"ccollections\nOrderedDict\n)R".to_vec(),
        ];
        [&b"ctorch._utils\n_rebuild_tensor_v2\n"[..], &tuple(&arguments), b"R"].concat()
    }
}
