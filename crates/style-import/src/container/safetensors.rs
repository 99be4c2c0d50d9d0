//! safetensors files: a header in JSON, and then the values of all tensors without a gap.

use std::collections::BTreeMap;
use std::sync::Arc;

use style_format::{DescribedTensor, SafetensorsHeader};

use crate::ImportError;
use crate::source::SourceFile;
use crate::tensor::{DType, Place, StoredTensor};

/// What the file says about itself, and its tensors in the order of their values.
pub(crate) fn read(
    file: &Arc<SourceFile>,
) -> Result<(BTreeMap<String, String>, Vec<StoredTensor>), ImportError> {
    let start = file.head(8)?;
    let length = SafetensorsHeader::length(&start, file.length()).map_err(ImportError::damaged)?;
    let header = file.read(8, length)?;
    let data = 8 + length;
    let header = SafetensorsHeader::parse(&header, file.length() - data).map_err(ImportError::damaged)?;
    let tensor = |tensor: DescribedTensor| StoredTensor {
        name: tensor.name,
        dtype: dtype(tensor.dtype),
        shape: tensor.shape,
        place: Place::Plain { file: file.clone(), offset: data + tensor.start },
        axes: None,
    };
    Ok((header.metadata, header.tensors.into_iter().map(tensor).collect()))
}

fn dtype(name: &'static str) -> DType {
    let readable = [DType::F64, DType::F32, DType::F16, DType::Bf16, DType::U8];
    readable.into_iter().find(|dtype| dtype.name() == name).unwrap_or(DType::Other(name))
}
