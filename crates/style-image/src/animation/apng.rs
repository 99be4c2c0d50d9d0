//! Animated PNG (PNG 3, section 11.3.6): a PNG whose other frames stand in chunks that old programs skip.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, SeekFrom, Write as _};
use std::time::Duration;

use super::unbuffered;
use crate::metadata::{png_chunk, png_chunks};
use crate::{Image, ImageError, PictureFormat};

/// Where the chunk stands that counts the frames: behind the signature and the header.
const COUNT_AT: u64 = 33;

#[derive(Debug)]
pub(super) struct Writer {
    file: BufWriter<File>,
    size: (usize, usize),
    milliseconds: u16,
    frames: u32,
    /// Of the chunks that order the frames: all but the first picture.
    sequence: u32,
}

impl Writer {
    pub(super) fn new(file: BufWriter<File>, size: (usize, usize), delay: Duration) -> Self {
        Self { file, size, milliseconds: milliseconds(delay), frames: 0, sequence: 0 }
    }

    pub(super) fn set_delay(&mut self, delay: Duration) {
        self.milliseconds = milliseconds(delay);
    }

    /// The outer error is the encoder's.
    pub(super) fn push(&mut self, frame: &Image) -> Result<io::Result<()>, ImageError> {
        let picture = frame.encode(PictureFormat::Png)?;
        Ok(self.write(&picture))
    }

    /// Takes the chunks of a PNG of its own apart.
    fn write(&mut self, picture: &[u8]) -> io::Result<()> {
        if self.frames == 0 {
            self.file.write_all(picture.get(..COUNT_AT as usize).unwrap_or_default())?;
            self.file.write_all(&counted(0))?;
            self.file.write_all(&png_chunk(*b"sRGB", &[&[0]]))?;
        }
        let control = self.control();
        self.file.write_all(&control)?;
        for (_, data) in png_chunks(picture).filter(|(name, _)| name == b"IDAT") {
            let chunk = if self.frames == 0 {
                png_chunk(*b"IDAT", &[data])
            } else {
                let number = self.next();
                png_chunk(*b"fdAT", &[&number, data])
            };
            self.file.write_all(&chunk)?;
        }
        self.frames += 1;
        Ok(())
    }

    fn next(&mut self) -> [u8; 4] {
        self.sequence += 1;
        (self.sequence - 1).to_be_bytes()
    }

    /// Size, place (0, 0) and delay of the next frame, which replaces the one before.
    fn control(&mut self) -> Vec<u8> {
        let number = self.next();
        let (width, height) = (self.size.0 as u32, self.size.1 as u32);
        let sides = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let delay = [self.milliseconds.to_be_bytes(), 1000u16.to_be_bytes()].concat();
        png_chunk(*b"fcTL", &[&number, &sides, &[0; 8], &delay, &[0, 0]])
    }

    pub(super) fn finish(mut self) -> io::Result<File> {
        self.file.write_all(&png_chunk(*b"IEND", &[]))?;
        self.file.seek(SeekFrom::Start(COUNT_AT))?;
        self.file.write_all(&counted(self.frames))?;
        unbuffered(self.file)
    }
}

fn milliseconds(delay: Duration) -> u16 {
    u16::try_from(delay.as_millis()).unwrap_or(u16::MAX)
}

/// The number of frames, and 0 for "for ever".
fn counted(frames: u32) -> Vec<u8> {
    png_chunk(*b"acTL", &[&frames.to_be_bytes(), &[0; 4]])
}
