//! Compressed metadata, inflated up to a limit.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

/// Why bytes cannot be inflated.
#[derive(Debug, PartialEq)]
pub(crate) enum Fault {
    /// They are no zlib stream, or one that breaks off.
    Damaged,
    /// There are more than the limit allows.
    TooLong,
}

/// The bytes that a zlib stream holds, `limit` of them at most.
pub(crate) fn inflated(stream: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = ZlibDecoder::new(stream).take(limit as u64 + 1).read_to_end(&mut bytes);
    // What came out before the stream broke counts as well: it is over the limit all the same.
    if bytes.len() > limit {
        return Err(Fault::TooLong);
    }
    read.map(|_| bytes).map_err(|_| Fault::Damaged)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    #[test]
    fn a_bomb_ends_at_the_limit() {
        let mut bomb = ZlibEncoder::new(Vec::new(), Compression::best());
        bomb.write_all(&vec![7; 1 << 20]).unwrap();
        let bomb = bomb.finish().unwrap();
        assert!(bomb.len() < 4096);
        assert_eq!(inflated(&bomb, 1 << 20).unwrap().len(), 1 << 20);
        assert_eq!(inflated(&bomb, (1 << 20) - 1), Err(Fault::TooLong));
        assert_eq!(inflated(&bomb[..bomb.len() / 2], 1 << 20), Err(Fault::Damaged));
        assert_eq!(inflated(b"no zlib stream", 10), Err(Fault::Damaged));
    }
}
