//! GIF: 256 colours a frame, chosen for each.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter};
use std::time::Duration;

use gif::{DisposalMethod, Encoder, EncodingError, Frame, Repeat};

use super::unbuffered;
use crate::limits::check_memory;
use crate::{Image, ImageError};

/// The search for colours looks at every tenth pixel, as the encoder's own default does.
const SPEED: i32 = 10;

pub(super) struct Writer {
    encoder: Encoder<BufWriter<File>>,
    size: (u16, u16),
    hundredths: u16,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Writer {
    pub(super) fn new(
        file: BufWriter<File>,
        (width, height): (u16, u16),
        delay: Duration,
    ) -> io::Result<Self> {
        let mut encoder = Encoder::new(file, width, height, &[]).map_err(into_io)?;
        encoder.set_repeat(Repeat::Infinite).map_err(into_io)?;
        Ok(Self { encoder, size: (width, height), hundredths: hundredths(delay) })
    }

    pub(super) fn set_delay(&mut self, delay: Duration) {
        self.hundredths = hundredths(delay);
    }

    /// The outer error is the encoder's.
    pub(super) fn push(&mut self, frame: &Image) -> Result<io::Result<()>, ImageError> {
        // The samples, with alpha, and the indices of the colours; compressed they are a little more at worst.
        check_memory(4 * frame.pixels().len())?;
        let samples: Vec<u8> = frame.pixels().iter().map(|&value| (value * 255.0).round() as u8).collect();
        let mut frame = Frame::from_rgb_speed(self.size.0, self.size.1, &samples, SPEED);
        frame.delay = self.hundredths;
        frame.dispose = DisposalMethod::Keep;
        Ok(self.encoder.write_frame(&frame).map_err(into_io))
    }

    pub(super) fn finish(self) -> io::Result<File> {
        unbuffered(self.encoder.into_inner().map_err(into_io)?)
    }
}

/// The same limit as that of an APNG, rounded.
fn hundredths(delay: Duration) -> u16 {
    ((delay.as_millis().min(u16::MAX.into()) + 5) / 10) as u16
}

fn into_io(error: EncodingError) -> io::Error {
    match error {
        EncodingError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}
