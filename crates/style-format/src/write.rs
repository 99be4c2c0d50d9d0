//! From weights to the bytes of a native file, one convolution at a time.

use std::collections::BTreeMap;
use std::io::{self, Seek, SeekFrom, Write};

use safetensors::Dtype;
use serde_json::{Value, json};

use crate::{Convolution, ConvolutionWeights, Encoding, FileInfo, FormatError, WeightValues};

/// Writes a native weights file of which no more than one convolution has to be in memory.
///
/// Equal contents give equal bytes: keys are sorted, and tensors lie in the order that the `safetensors` crate gives
/// them (widest element type first, then by name).
///
/// # Examples
///
/// ```
/// use std::io::Cursor;
///
/// use style_format::{
///     Architecture, ConvolutionWeights, Encoding, FileInfo, PixelTransform, VggFile, VggFileWriter, WeightValues,
/// };
///
/// let info = FileInfo {
///     architecture: Architecture::Vgg16,
///     input: PixelTransform::TorchRgb01,
///     source: "an example".into(),
///     source_sha256: String::new(),
///     licence: String::new(),
///     pooling: None,
/// };
/// let first = Architecture::Vgg16.convolutions()[0];
/// let mut writer = VggFileWriter::new(Cursor::new(Vec::new()), &info, &[(first, Encoding::F32)])?;
/// let weight = WeightValues::F32(vec![0.5; 64 * 3 * 9]);
/// writer.write(&ConvolutionWeights::new(first, weight, vec![0.0; 64])?)?;
/// let bytes = writer.finish()?.into_inner();
/// assert_eq!(VggFile::parse(&bytes)?.extent(), "conv1_1 to conv1_1");
/// # Ok::<(), style_format::FormatError>(())
/// ```
#[derive(Debug)]
pub struct VggFileWriter<W> {
    sink: W,
    convolutions: Vec<(Convolution, Encoding)>,
    /// Where the tensor of each name begins in the file.
    places: BTreeMap<String, u64>,
    written: usize,
}

/// A tensor that will lie in the file.
struct Slot {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
}

impl<W: Write + Seek> VggFileWriter<W> {
    /// Writes the header of a file that holds these convolutions, stored in these encodings.
    ///
    /// # Errors
    ///
    /// [`FormatError::Missing`] unless they are the architecture's first ones, in order;
    /// [`FormatError::Write`] when the sink takes no bytes.
    pub fn new(
        mut sink: W,
        info: &FileInfo,
        convolutions: &[(Convolution, Encoding)],
    ) -> Result<Self, FormatError> {
        let found: Vec<_> = convolutions.iter().map(|(convolution, _)| *convolution).collect();
        info.architecture.check_leading(&found)?;
        let mut slots: Vec<_> = convolutions.iter().flat_map(|part| slots(*part)).collect();
        slots.sort_by(|a, b| b.dtype.cmp(&a.dtype).then_with(|| a.name.cmp(&b.name)));
        let mut header = BTreeMap::from([("__metadata__".to_owned(), json!(info.to_metadata()))]);
        let (mut places, mut end) = (BTreeMap::new(), 0);
        for slot in slots {
            let start = end;
            end += slot.shape.iter().product::<usize>() as u64 * slot.dtype.bitsize() as u64 / 8;
            header.insert(slot.name.clone(), slot.describe(start, end));
            places.insert(slot.name, start);
        }
        let mut header = json!(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        let length = header.len() as u64;
        for place in places.values_mut() {
            *place += 8 + length;
        }
        sink.write_all(&length.to_le_bytes()).and_then(|()| sink.write_all(&header)).map_err(refused)?;
        Ok(Self { sink, convolutions: convolutions.to_vec(), places, written: 0 })
    }

    /// Writes the values of the next convolution.
    ///
    /// # Errors
    ///
    /// [`FormatError::Unexpected`] unless it is the one that was announced at this place, in that encoding;
    /// [`FormatError::Write`] when the sink takes no bytes.
    pub fn write(&mut self, weights: &ConvolutionWeights) -> Result<(), FormatError> {
        let (convolution, weight) = (weights.convolution(), weights.weight());
        let name = convolution.name();
        if self.convolutions.get(self.written) != Some(&(convolution, weight.encoding())) {
            return Err(FormatError::Unexpected { name, architecture: "announced" });
        }
        let weight_name = format!("{name}.weight");
        match weight {
            WeightValues::F32(values) => self.put(&weight_name, values, |v| v.to_le_bytes())?,
            WeightValues::F16(values) => self.put(&weight_name, values, |v| v.to_le_bytes())?,
            WeightValues::Bf16(values) => self.put(&weight_name, values, |v| v.to_le_bytes())?,
            WeightValues::Codebook { indices, table } => {
                self.put(&weight_name, indices, |index| [*index])?;
                self.put(&format!("{name}.codebook"), &table[..], |v| v.to_le_bytes())?;
            }
        }
        self.put(&format!("{name}.bias"), weights.bias(), |v| v.to_le_bytes())?;
        self.written += 1;
        Ok(())
    }

    /// Gives the sink back, which then holds a whole file.
    ///
    /// # Errors
    ///
    /// [`FormatError::Missing`] names a convolution that was announced and not written;
    /// [`FormatError::Write`] when the sink cannot keep its bytes.
    pub fn finish(mut self) -> Result<W, FormatError> {
        if let Some((convolution, _)) = self.convolutions.get(self.written) {
            return Err(FormatError::Missing { name: convolution.name(), architecture: "announced" });
        }
        self.sink.flush().map_err(refused)?;
        Ok(self.sink)
    }

    fn put<T, const N: usize>(
        &mut self,
        name: &str,
        values: &[T],
        bytes: impl Fn(&T) -> [u8; N],
    ) -> Result<(), FormatError> {
        let place = self.places.get(name).copied().unwrap_or_default();
        self.sink.seek(SeekFrom::Start(place)).map_err(refused)?;
        for part in values.chunks(1 << 14) {
            let part: Vec<u8> = part.iter().flat_map(&bytes).collect();
            self.sink.write_all(&part).map_err(refused)?;
        }
        Ok(())
    }
}

fn slots((convolution, encoding): (Convolution, Encoding)) -> Vec<Slot> {
    let slot = |part: &str, dtype, shape: &[usize]| Slot {
        name: format!("{}.{part}", convolution.name()),
        dtype,
        shape: shape.to_vec(),
    };
    let dtype = match encoding {
        Encoding::F32 => Dtype::F32,
        Encoding::F16 => Dtype::F16,
        Encoding::Bf16 => Dtype::BF16,
        Encoding::Codebook => Dtype::U8,
    };
    let mut slots = vec![
        slot("weight", dtype, &convolution.weight_shape()),
        slot("bias", Dtype::F32, &[convolution.outputs()]),
    ];
    if encoding == Encoding::Codebook {
        slots.push(slot("codebook", Dtype::F32, &[256]));
    }
    slots
}

impl Slot {
    fn describe(&self, start: u64, end: u64) -> Value {
        json!({ "dtype": self.dtype, "shape": self.shape, "data_offsets": [start, end] })
    }
}

fn refused(error: io::Error) -> FormatError {
    FormatError::Write { reason: error.to_string() }
}
