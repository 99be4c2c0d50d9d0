//! What can be wrong with a picture or its file.

use std::path::PathBuf;

/// What can be too heavy, where the next thing to do depends on it.
pub(crate) const FILE_BYTES: &str = "the file's bytes";
pub(crate) const PIXELS: &str = "the pixels";
pub(crate) const RECIPE: &str = "the bytes of the recipe";

/// A picture that cannot be made, read or written, grouped by whose fault it is.
///
/// The message is the whole story, the operating system's or the decoder's words included, so there is
/// no [`source`](std::error::Error::source) to print after it.
///
/// # Examples
///
/// ```
/// use style_image::{Image, ImageError};
///
/// let error = Image::new(2, 1, vec![0.5; 5]).unwrap_err();
/// assert_eq!(error, ImageError::WrongLength { width: 2, height: 1, found: 5, expected: 6 });
/// assert_eq!(error.to_string(), "2 x 1 px need 6 values (3 a pixel), found 5");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    // The caller's numbers.
    /// A size without pixels.
    #[error("{width} x {height} px has no pixels, both sides must be at least 1 px")]
    NoPixels {
        /// Width in px.
        width: usize,
        /// Height in px.
        height: usize,
    },
    /// Values that do not fill the size.
    #[error(
        "{width} x {height} px need {expected} values ({} a pixel), found {found}",
        expected / width.saturating_mul(*height).max(1)
    )]
    WrongLength {
        /// Width in px.
        width: usize,
        /// Height in px.
        height: usize,
        /// Number of values given.
        found: usize,
        /// Number of values that the size needs.
        expected: usize,
    },
    /// Values that do not fill planes of the size.
    #[error("{found} values are no whole number of planes of {width} x {height} px")]
    NotWholePlanes {
        /// Width of a plane in px.
        width: usize,
        /// Height of a plane in px.
        height: usize,
        /// Number of values given.
        found: usize,
    },
    /// Two pictures that are compared pixel by pixel and have different sizes.
    #[error(
        "the pictures are {width} x {height} px and {other_width} x {other_height} px, expected one size"
    )]
    DifferentSizes {
        /// Width of the first picture in px.
        width: usize,
        /// Height of the first picture in px.
        height: usize,
        /// Width of the second picture in px.
        other_width: usize,
        /// Height of the second picture in px.
        other_height: usize,
    },
    /// A NaN or an infinity among the values.
    #[error("value {position} of the pixels is {found}, expected a number in [0, 1]")]
    NotFinite {
        /// Its index among the values, from 0.
        position: usize,
        /// `NaN`, `inf` or `-inf`.
        found: String,
    },

    // The limits.
    /// More pixels than are read or made.
    #[error("{width} x {height} px is over the limit of {max_side} px a side and {max_pixels} pixels")]
    TooLarge {
        /// Width in px.
        width: usize,
        /// Height in px.
        height: usize,
        /// The longest side that is allowed, in px.
        max_side: usize,
        /// The most pixels that are allowed.
        max_pixels: usize,
    },
    /// A file, its pixels or its metadata over a limit on memory.
    #[error("{what} take more than the limit of {limit_mib} MiB")]
    TooHeavy {
        /// What is too heavy.
        what: &'static str,
        /// The limit in MiB.
        limit_mib: usize,
    },
    /// Memory that the system does not have.
    #[error("not enough memory: the picture needs {needed_mib} MiB")]
    NotEnoughMemory {
        /// What was asked for, in MiB.
        needed_mib: usize,
    },

    // The file.
    /// No file of that name.
    #[error("no file {}", path.display())]
    NotFound {
        /// The path asked for.
        path: PathBuf,
    },
    /// A folder where a file should be.
    #[error("{} is a folder, expected a file", path.display())]
    IsADirectory {
        /// The folder.
        path: PathBuf,
    },
    /// A stream that breaks off.
    #[error("cannot read the picture: {reason}")]
    Stream {
        /// The system's words.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("cannot read {}: {reason}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// A file whose content is at fault.
    #[error("{}: {fault}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Box<ImageError>,
    },

    // What is in it.
    /// No bytes at all.
    #[error("the file is empty, expected a picture")]
    Empty,
    /// Something else than a picture.
    #[error("not a picture: it looks like {seen}")]
    NotAPicture {
        /// What its first bytes look like.
        seen: String,
    },
    /// A picture in a format that is not read.
    #[error("{found} pictures are not supported, only PNG, JPEG, WebP, GIF, BMP and TIFF")]
    UnsupportedFormat {
        /// Name of the format.
        found: &'static str,
    },
    /// A known format with a feature that is not read.
    #[error("this kind of {format} is not supported: {reason}")]
    UnsupportedFeature {
        /// Name of the format.
        format: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// A file that ends before its picture does.
    #[error("the {format} is cut short: {missing}")]
    CutShort {
        /// Name of the format.
        format: &'static str,
        /// What is not there.
        missing: &'static str,
    },
    /// A picture that cannot be decoded.
    #[error("the {format} is damaged: {reason}")]
    Damaged {
        /// Name of the format.
        format: &'static str,
        /// The decoder's words.
        reason: String,
    },

    /// A picture that can be read, with a doubt, where doubts are not allowed (`ReadOptions::strict`).
    #[error("the {format} is doubtful: {warning}")]
    Doubtful {
        /// Name of the format.
        format: &'static str,
        /// What would have been a warning.
        warning: String,
    },

    // Writing.
    /// A file name whose extension names no format that is written.
    #[error("cannot save {}: {found}, expected {expected}", path.display())]
    UnsupportedExtension {
        /// The path asked for.
        path: PathBuf,
        /// Its extension in words.
        found: String,
        /// The extensions that are known.
        expected: &'static str,
    },
    /// A number among the options of writing that is out of its range.
    #[error("{what} is {found}, expected {expected}")]
    OutOfRange {
        /// Which number.
        what: &'static str,
        /// Its value.
        found: usize,
        /// What it may be.
        expected: &'static str,
    },
    /// A picture that the format cannot hold.
    #[error("cannot write this picture as {format}: {reason}")]
    Encode {
        /// Name of the format.
        format: &'static str,
        /// The encoder's words.
        reason: String,
    },
    /// A file that cannot be written; what stood there before still does.
    #[error("cannot write {}: {reason}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
}

impl ImageError {
    /// The fault itself, without the file it was found in.
    ///
    /// # Examples
    ///
    /// ```
    /// use style_image::ImageError;
    ///
    /// let error = ImageError::InFile { path: "a.png".into(), fault: Box::new(ImageError::Empty) };
    /// assert_eq!(error.to_string(), "a.png: the file is empty, expected a picture");
    /// assert_eq!(error.fault(), &ImageError::Empty);
    /// ```
    #[must_use]
    pub fn fault(&self) -> &Self {
        match self {
            Self::InFile { fault, .. } => fault.fault(),
            other => other,
        }
    }

    /// The next thing to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self.fault() {
            Self::NoPixels { .. } => "ask for at least 1 px a side",
            Self::WrongLength { .. } => {
                "give all values of every pixel: red, green and blue of a picture, one of a mask"
            }
            Self::NotWholePlanes { .. } => "check the planes' size: it is (width, height)",
            Self::DifferentSizes { .. } => "resize one picture to the other's size",
            Self::NotFinite { .. } => "look where the value comes from: pictures hold finite numbers only",
            Self::TooLarge { .. } => {
                "shrink the picture in another program first, or raise the limit: `ReadOptions::max_side` and \
                 `ReadOptions::max_pixels`"
            }
            Self::TooHeavy { what: FILE_BYTES, .. } => {
                "shrink the picture in another program first, or raise the limit: `ReadOptions::max_bytes`"
            }
            Self::TooHeavy { what: PIXELS, .. } => {
                "shrink the picture in another program first, or raise the limit: `ReadOptions::max_pixels`"
            }
            Self::TooHeavy { what: RECIPE, .. } => {
                "shorten the text, or keep it in a file beside the picture"
            }
            Self::TooHeavy { .. } => "save the picture again in another program, without its metadata",
            Self::NotEnoughMemory { .. } => "close other programs, or use a smaller picture",
            Self::NotFound { .. } => "check the path's spelling; it counts from the current folder",
            Self::IsADirectory { .. } => "name a file inside the folder",
            Self::Read { .. } => "check that the file may be read",
            Self::Stream { .. } => "check the program that the picture comes from",
            Self::Empty | Self::CutShort { .. } | Self::Damaged { .. } => "fetch or copy the file again",
            Self::NotAPicture { .. } => {
                "check the file: a download that failed often leaves a web page under the picture's name"
            }
            Self::UnsupportedFormat { .. } | Self::UnsupportedFeature { .. } => {
                "save it as an 8-bit PNG or JPEG in another program"
            }
            Self::Doubtful { .. } => {
                "look at the picture; without `ReadOptions::strict` it is read with a warning"
            }
            Self::UnsupportedExtension { .. } => "end the file's name in one of these",
            Self::OutOfRange { .. } => "choose a value in the range",
            Self::Encode { .. } => "save it as .png",
            Self::Write { .. } => "check that the folder may be written to and the disk is not full",
            // `fault` has taken the wrapper off.
            Self::InFile { .. } => "check the file",
        }
    }

    /// Says which file the fault was found in.
    #[cfg(feature = "files")]
    pub(crate) fn in_file(self, path: &std::path::Path) -> Self {
        Self::InFile { path: path.to_owned(), fault: Box::new(self) }
    }
}
