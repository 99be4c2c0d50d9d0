#![doc = include_str!("../README.md")]

pub use burn::tensor::Tensor;
pub use style_core::*;
pub use style_format::{Encoding, FileInfo};
pub use style_image::{
    Animation, ColourMatch, Filter, Image, ImageError, MAX_FILE_BYTES, MAX_PIXELS, MAX_SIDE, Mask, Picture,
    PictureFormat, PictureInfo, ReadOptions, WriteOptions, recipe_of, resample_planes, ssim,
    write_atomically,
};
/// Foreign weights into the native file.
pub use style_import as import;
/// The bundled VGG-19 (to `conv5_1`) as the bytes of a native weights file; give them to [`Vgg::load`].
#[cfg(feature = "bundled-weights")]
pub use style_weights::VGG19;

mod device;

pub use device::{
    DeviceClass, DeviceError, DeviceInfo, DeviceName, GraphicsApi, OpenDevice, device, devices, open_device,
};

/// Keeps the code of the guide compiling.
#[cfg(doctest)]
#[doc = include_str!("../docs/importing.md")]
struct ImportingGuide;
