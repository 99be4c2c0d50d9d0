//! How large a picture may be, checked before memory is asked for.

use crate::ImageError;

/// The longest side that is made by resizing, and read from a file unless `ReadOptions` say otherwise, in px.
pub const MAX_SIDE: usize = 16_384;

/// The most pixels that are made by resizing, and read from a file unless `ReadOptions` say otherwise: 64 Mpx, 768 MiB as
/// floats.
pub const MAX_PIXELS: usize = 64 << 20;

/// The longest picture file that is read unless [`ReadOptions`](crate::ReadOptions) say otherwise: 512 MiB.
#[cfg(feature = "files")]
pub const MAX_FILE_BYTES: usize = 512 << 20;

/// Refuses sizes that are empty or over the limits of this library.
pub(crate) fn check_size(width: usize, height: usize) -> Result<(), ImageError> {
    check_size_within((width, height), MAX_SIDE, MAX_PIXELS)
}

/// Refuses sizes that are empty or over the limits given.
pub(crate) fn check_size_within(
    (width, height): (usize, usize),
    max_side: usize,
    max_pixels: usize,
) -> Result<(), ImageError> {
    if width == 0 || height == 0 {
        return Err(ImageError::NoPixels { width, height });
    }
    if width > max_side || height > max_side || width.saturating_mul(height) > max_pixels {
        return Err(ImageError::TooLarge { width, height, max_side, max_pixels });
    }
    Ok(())
}

/// The refusal of a size by the limits of this library.
pub(crate) const fn too_large((width, height): (usize, usize)) -> ImageError {
    ImageError::TooLarge { width, height, max_side: MAX_SIDE, max_pixels: MAX_PIXELS }
}

/// Asks for `bytes` of memory and gives them back. A failed allocation deep in a decoder aborts the
/// process; a failed question is an error.
pub(crate) fn check_memory(bytes: usize) -> Result<(), ImageError> {
    let refused = |_| ImageError::NotEnoughMemory { needed_mib: bytes.div_ceil(1 << 20) };
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_up_to_the_limits_pass() {
        assert_eq!(check_size(1, 1), Ok(()));
        assert_eq!(check_size(MAX_SIDE, MAX_PIXELS / MAX_SIDE), Ok(()));
        let error = check_size(MAX_SIDE, MAX_PIXELS / MAX_SIDE + 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "16384 x 4097 px is over the limit of 16384 px a side and 67108864 pixels"
        );
        assert!(check_size(MAX_SIDE + 1, 1).is_err());
        assert!(check_size(usize::MAX, usize::MAX).is_err());
        assert!(check_size(0, 5).is_err());
    }

    #[test]
    fn memory_that_nobody_has_is_refused() {
        assert_eq!(check_memory(1 << 20), Ok(()));
        let error = check_memory(usize::MAX).unwrap_err();
        assert!(matches!(error, ImageError::NotEnoughMemory { .. }), "{error}");
    }
}
