#![doc = include_str!("../README.md")]

/// VGG-19 from `conv1_1` to `conv5_1`, as a native weights file.
///
/// A safetensors file of 8-bit codebooks. `VggFile::parse` of the crate `style-format` reads it, and so
/// does any safetensors tool; `MODEL_CARD.md` says where the values come from and under which licence.
///
/// # Units
///
/// 12.4 MiB, which become part of every program that uses them.
pub static VGG19: &[u8] = include_bytes!("../vgg19.safetensors");
