//! Pictures to tensors and back: the one place where width x height becomes [height, width].

use burn::tensor::{Device, Tensor, TensorData};
use style_image::{Filter, Image, resample_planes};

use crate::Error;
use crate::device::is_in_host_memory;
use crate::error::in_one_line;
use crate::wait::{LONGEST_SILENCE, within};

/// A picture as a tensor on a device.
///
/// # Shapes
///
/// `[1, 3, height, width]`, RGB, sRGB in `[0, 1]`.
#[must_use]
pub fn image_to_tensor(image: &Image, device: &Device) -> Tensor<4> {
    let shape = [1, 3, image.height(), image.width()];
    Tensor::from_data(TensorData::new(image.to_planar(), shape), device)
}

/// A tensor as a picture; values are clamped to `[0, 1]`.
///
/// # Shapes
///
/// `[1, 3, height, width]`.
///
/// # Errors
///
/// [`Error::Shape`] for another shape, [`Error::Device`] when the tensor cannot be read,
/// [`Error::Picture`] when it holds NaN.
pub fn tensor_to_image(tensor: Tensor<4>) -> Result<Image, Error> {
    let [batch, channels, height, width] = tensor.dims();
    if batch != 1 || channels != 3 || height == 0 || width == 0 {
        let found = tensor.dims().to_vec();
        return Err(Error::Shape { what: "the picture", found, expected: "[1, 3, height, width]".into() });
    }
    let planar = read(tensor, "reading the picture")?;
    Ok(Image::from_planar(width, height, &planar)?)
}

/// Resamples every plane of a tensor, over the host; values are not clamped.
///
/// # Shapes
///
/// `[batch, channels, h, w]` to `[batch, channels, height, width]`.
///
/// # Errors
///
/// [`Error::Device`] when the tensor cannot be read, [`Error::Picture`] for a size without pixels.
pub(crate) fn resample(
    tensor: Tensor<4>,
    [height, width]: [usize; 2],
    filter: Filter,
) -> Result<Tensor<4>, Error> {
    let [batch, channels, h, w] = tensor.dims();
    let device = tensor.device();
    let planes = read(tensor, "reading a picture to resample it")?;
    let planes = resample_planes(&planes, (w, h), (width, height), filter)?;
    Ok(Tensor::from_data(TensorData::new(planes, [batch, channels, height, width]), &device))
}

/// Reads a tensor's values from its device, which waits for the device; half an hour at most where that is another one.
pub(crate) fn read<const D: usize>(tensor: Tensor<D>, doing: &'static str) -> Result<Vec<f32>, Error> {
    #[cfg(test)]
    READS.set(READS.get() + 1);
    let failed = |reason: String| Error::Device { doing, reason: in_one_line(&reason) };
    let data = if is_in_host_memory(&tensor.device()) {
        tensor.try_into_data()
    } else {
        let silence = || failed(format!("it has not answered for {} s", LONGEST_SILENCE.as_secs()));
        within(LONGEST_SILENCE, tensor.into_data_async()).ok_or_else(silence)?
    };
    let floats = data.map_err(|error| failed(error.to_string()))?.try_cast_as::<f32>();
    let values = floats.map_err(|error| failed(error.to_string()))?.try_into_vec::<f32>();
    values.map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
thread_local! {
    static READS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How often this thread has read from a device.
#[cfg(test)]
pub(crate) fn reads() -> usize {
    READS.get()
}
