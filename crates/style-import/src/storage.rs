//! The flat arrays that PyTorch's tensors are views of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ImportError;
use crate::source::SourceFile;

/// How much is read at once where only a checksum is wanted.
const CHUNK: u64 = 1 << 20;

/// Bytes of a file that belong together and share a checksum.
#[derive(Debug)]
pub(crate) struct Storage {
    file: Arc<SourceFile>,
    offset: u64,
    length: u64,
    /// CRC-32, where the file states one.
    checksum: Option<u32>,
    checked: AtomicBool,
}

impl Storage {
    /// Refuses what does not lie inside the file.
    pub(crate) fn new(
        file: &Arc<SourceFile>,
        offset: u64,
        length: u64,
        checksum: Option<u32>,
    ) -> Result<Self, ImportError> {
        if offset.checked_add(length).is_none_or(|end| end > file.length()) {
            let found = file.length();
            let reason = format!("{length} bytes at {offset} were promised, the file has {found}");
            return Err(ImportError::damaged(reason));
        }
        Ok(Self { file: file.clone(), offset, length, checksum, checked: AtomicBool::new(false) })
    }

    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// So many bytes from `start` on. The first call compares the whole with its checksum.
    fn read(&self, start: u64, length: u64) -> Result<Vec<u8>, ImportError> {
        if start.checked_add(length).is_none_or(|end| end > self.length) {
            let reason = format!("{length} bytes at {start} of a storage of {}", self.length);
            return Err(ImportError::damaged(reason));
        }
        let bytes = self.file.read(self.offset + start, length)?;
        if let Some(expected) = self.checksum
            && !self.checked.load(Ordering::Relaxed)
        {
            let found = if length == self.length { crc32fast::hash(&bytes) } else { self.sum()? };
            if found != expected {
                return Err(ImportError::damaged("its bytes do not have the checksum that the file states"));
            }
            self.checked.store(true, Ordering::Relaxed);
        }
        Ok(bytes)
    }

    /// CRC-32 of all bytes, a chunk at a time.
    fn sum(&self) -> Result<u32, ImportError> {
        let mut hasher = crc32fast::Hasher::new();
        let mut at = 0;
        while at < self.length {
            let length = CHUNK.min(self.length - at);
            hasher.update(&self.file.read(self.offset + at, length)?);
            at += length;
        }
        Ok(hasher.finalize())
    }
}

/// Where in a storage a tensor's values lie.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) storage: Arc<Storage>,
    /// Values before the first.
    pub(crate) offset: u64,
    /// Values from one index to the next, for each axis.
    pub(crate) strides: Vec<u64>,
}

impl View {
    /// The values of a tensor of this shape, row-major, `size` bytes each.
    pub(crate) fn read(&self, shape: &[usize], size: u64) -> Result<Vec<u8>, ImportError> {
        let start = self.offset.checked_mul(size);
        let length = reach(shape, &self.strides).and_then(|values| values.checked_mul(size));
        let (Some(start), Some(length)) = (start, length) else {
            return Err(ImportError::damaged("its size overflows"));
        };
        let values = shape.iter().try_fold(size, |product, &extent| product.checked_mul(extent as u64));
        // A stride of zero makes any size of one value. No weights need it, and memory could not bear it.
        let Some(wanted) = values.filter(|&wanted| wanted <= self.storage.length) else {
            let found = self.storage.length;
            return Err(ImportError::damaged(format!("it repeats the {found} bytes of its storage")));
        };
        let bytes = self.storage.read(start, length)?;
        if bytes.is_empty() || self.is_contiguous(shape) {
            return Ok(bytes);
        }
        let mut gathered = Vec::with_capacity(wanted as usize);
        let axes: Vec<_> = shape
            .iter()
            .zip(&self.strides)
            .map(|(&extent, &stride)| (extent, (stride * size) as usize))
            .collect();
        gather(&bytes, &axes, size as usize, &mut gathered);
        Ok(gathered)
    }

    fn is_contiguous(&self, shape: &[usize]) -> bool {
        let mut expected = 1;
        shape.iter().zip(&self.strides).rev().all(|(&extent, &stride)| {
            let fits = extent == 1 || stride == expected;
            expected = stride.saturating_mul(extent as u64);
            fits
        })
    }
}

/// Takes the values, `size` bytes each, whose places the axes (extent and stride in bytes) give.
fn gather(bytes: &[u8], axes: &[(usize, usize)], size: usize, gathered: &mut Vec<u8>) {
    match axes {
        [] => gathered.extend(&bytes[..size]),
        [(extent, stride), inner @ ..] => {
            for index in 0..*extent {
                gather(&bytes[index * stride..], inner, size, gathered);
            }
        }
    }
}

/// How many values lie between a view's first and its last, both included; `None` where that overflows.
pub(crate) fn reach(shape: &[usize], strides: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape.iter().zip(strides).try_fold(1_u64, |reach, (&extent, &stride)| {
        (extent as u64 - 1).checked_mul(stride).and_then(|step| reach.checked_add(step))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(offset: u64, strides: &[u64], bytes: &[u8], checksum: Option<u32>) -> View {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("storage");
        std::fs::write(&path, [b"head", bytes].concat()).unwrap();
        let file = Arc::new(SourceFile::open(&path).unwrap());
        let storage = Arc::new(Storage::new(&file, 4, bytes.len() as u64, checksum).unwrap());
        View { storage, offset, strides: strides.to_vec() }
    }

    #[test]
    fn views_are_read_row_by_row() {
        let read = |offset, strides: &[u64], shape: &[usize], size| {
            view(offset, strides, b"abcdefgh", None).read(shape, size).map(|b| String::from_utf8(b).unwrap())
        };
        assert_eq!(read(0, &[4, 1], &[2, 4], 1).unwrap(), "abcdefgh");
        assert_eq!(read(0, &[1, 4], &[4, 2], 1).unwrap(), "aebfcgdh");
        assert_eq!(read(1, &[1, 2], &[2, 2], 1).unwrap(), "bdce");
        assert_eq!(read(1, &[1, 1], &[1, 2], 2).unwrap(), "cdef");
        assert_eq!(read(0, &[0], &[3], 2).unwrap(), "ababab");
        assert!(
            read(0, &[0], &[5], 2).unwrap_err().to_string().ends_with("repeats the 8 bytes of its storage")
        );
        // The stride of an axis of one does not matter, and no axis at all is one value.
        assert_eq!(read(2, &[9, 1], &[1, 2], 1).unwrap(), "cd");
        assert_eq!(read(7, &[], &[], 1).unwrap(), "h");
        assert_eq!(read(8, &[1], &[0], 1).unwrap(), "");
        assert!(read(5, &[4, 1], &[2, 4], 1).is_err());
        assert!(read(u64::MAX, &[1], &[2], 8).is_err());
        assert!(read(0, &[u64::MAX], &[usize::MAX], 1).is_err());
    }

    #[test]
    fn the_checksum_covers_what_a_view_leaves_out() {
        let sum = crc32fast::hash(b"abcdefgh");
        for checksum in [sum, sum + 1] {
            let view = view(0, &[1], b"abcdefgh", Some(checksum));
            for length in [2, 8, 2] {
                assert_eq!(view.read(&[length], 1).is_ok(), checksum == sum);
            }
        }
    }

    #[test]
    fn a_storage_lies_inside_its_file() {
        let storage = view(0, &[1], b"abcd", None).storage;
        for (offset, length) in [(9, 0), (0, 9), (8, 1), (u64::MAX, 1)] {
            assert!(Storage::new(&storage.file, offset, length, None).is_err(), "{offset} {length}");
        }
    }
}
