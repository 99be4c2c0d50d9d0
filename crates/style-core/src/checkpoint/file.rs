//! A checkpoint as bytes.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::kept::{Held, unusable};
use super::{Checkpoint, Identity, Kept, Position};
use crate::Error;

const FORMAT: &str = "style-transfer.checkpoint";
const VERSION: &str = "1";

/// The tensor that holds the hash of all bytes before it.
const HASH: &str = "sha256";
pub(super) const HASH_BYTES: usize = 32;

/// Numbers that are turned into bytes at once.
const CHUNK: usize = 1 << 14;

/// A sink that hashes what goes through.
struct Hashing<'w, W> {
    sink: &'w mut W,
    hash: Sha256,
}

impl<W: Write> Hashing<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.sink.write_all(bytes).map_err(Error::CheckpointWrite)
    }

    fn put_all<T: Copy, const N: usize>(
        &mut self,
        values: &[T],
        bytes: fn(T) -> [u8; N],
    ) -> Result<(), Error> {
        let mut buffer = Vec::with_capacity(CHUNK.min(values.len()) * N);
        for chunk in values.chunks(CHUNK) {
            buffer.clear();
            buffer.extend(chunk.iter().flat_map(|&value| bytes(value)));
            self.put(&buffer)?;
        }
        Ok(())
    }
}

impl Checkpoint {
    /// Writes the checkpoint, one tensor after the other. The sink should have a buffer, and be a file beside the last
    /// checkpoint and not that file itself: what breaks off on the way is no checkpoint.
    ///
    /// # Errors
    ///
    /// [`Error::CheckpointWrite`] when the sink takes no bytes, [`Error::Device`] when the state cannot be read from its
    /// device.
    pub fn write_to(&self, sink: &mut impl Write) -> Result<(), Error> {
        let header = self.header()?;
        let mut out = Hashing { sink, hash: Sha256::new() };
        out.put(&(header.len() as u64).to_le_bytes())?;
        out.put(&header)?;
        for numbers in self.kept.numbers.values() {
            out.put_all(numbers, f64::to_le_bytes)?;
        }
        for held in self.kept.tensors.values() {
            out.put_all(&held.values()?, f32::to_le_bytes)?;
        }
        let Hashing { sink, hash } = out;
        let finish = |sink: &mut dyn Write| -> io::Result<()> {
            sink.write_all(&hash.finalize())?;
            sink.flush()
        };
        finish(sink).map_err(Error::CheckpointWrite)
    }

    /// Names, shapes and places of all tensors in the order in which they are written, as JSON.
    fn header(&self) -> Result<Vec<u8>, Error> {
        let numbers = self.kept.numbers.iter().map(|(name, numbers)| (name, Dtype::F64, vec![numbers.len()]));
        let tensors = self.kept.tensors.iter().map(|(name, held)| (name, Dtype::F32, held.shape().to_vec()));
        let hash = HASH.to_owned();
        let hash = (&hash, Dtype::U8, vec![HASH_BYTES]);
        let [settings, marks] = self.identity.to_text()?;
        let metadata = json!({
            "format": FORMAT, "version": VERSION, "about": self.about, "settings": settings, "marks": marks,
        });
        let mut header: BTreeMap<&str, Value> = BTreeMap::from([("__metadata__", metadata)]);
        let mut end = 0;
        for (name, dtype, shape) in numbers.chain(tensors).chain([hash]) {
            let start = end;
            end += shape.iter().product::<usize>() * dtype.bitsize() / 8;
            header.insert(name, json!({ "dtype": dtype, "shape": shape, "data_offsets": [start, end] }));
        }
        let mut header = json!(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        Ok(header)
    }

    /// Reads a checkpoint's bytes. The hash comes first; no length is believed before it was compared with the bytes that
    /// are there.
    ///
    /// # Errors
    ///
    /// [`Error::Checkpoint`] says what is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let hash = check_hash(bytes)?;
        let broken = |error: safetensors::SafeTensorError| unusable(format!("no safetensors file: {error}"));
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let metadata = header.metadata().as_ref();
        let text = |key: &str| metadata.and_then(|entries| entries.get(key)).map_or("", String::as_str);
        for (key, expected) in [("format", FORMAT), ("version", VERSION)] {
            if text(key) != expected {
                let shown: String = text(key).chars().take(64).collect();
                return Err(unusable(format!("its {key} is {shown:?}, expected {expected:?}")));
            }
        }
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        if file.tensor(HASH).map_err(broken)?.data() != hash {
            return Err(unusable("its hash is not where it should be"));
        }
        let identity = Identity::parse(text("settings"), text("marks"))?;
        let mut kept = Kept::default();
        for (name, view) in file.iter().filter(|(name, _)| *name != HASH) {
            kept.put_view(name, &view)?;
        }
        let position = Position::read(&kept)?;
        Ok(Self { identity: Arc::new(identity), about: text("about").to_owned(), position, kept })
    }
}

impl Kept {
    fn put_view(&mut self, name: &str, view: &TensorView<'_>) -> Result<(), Error> {
        match (view.dtype(), view.shape()) {
            (Dtype::F64, [_]) => {
                let numbers = view.data().as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes));
                self.put_numbers(name, numbers);
            }
            (Dtype::F32, &[a, b, c, d]) => {
                let values = view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
                let held = Held::Host { shape: [a, b, c, d], values: Arc::new(values.collect()) };
                self.tensors.insert(name.to_owned(), held);
            }
            (dtype, shape) => {
                let shown: String = name.chars().take(64).collect();
                let expected = "expected F64 of one dimension or F32 of four";
                return Err(unusable(format!("{shown:?} is {dtype:?} {shape:?}, {expected}")));
            }
        }
        Ok(())
    }
}

/// The hash at the end, when it is that of everything before.
fn check_hash(bytes: &[u8]) -> Result<&[u8], Error> {
    let Some((contents, hash)) = bytes.split_last_chunk::<HASH_BYTES>() else {
        return Err(unusable(format!("{} bytes are too few", bytes.len())));
    };
    if Sha256::digest(contents)[..] != hash[..] {
        return Err(unusable("its bytes are not those that were written: cut off or damaged"));
    }
    Ok(hash)
}
