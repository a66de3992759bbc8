//! Packing a file while it is written.

use std::io::Write;

use flate2::{GzBuilder, write::GzEncoder};

use super::ExportError;
use crate::domain::export::Compression;

/// Text packs to a tenth at any level; a higher one costs more time than it saves bytes.
const LEVEL: u32 = 4;

/// Packs one file; the same content always gives the same bytes.
pub(super) enum Packer {
    Nothing,
    Gzip(GzEncoder<Vec<u8>>),
}

impl Packer {
    pub(super) fn new(compression: Compression) -> Self {
        match compression {
            Compression::None => Self::Nothing,
            // No name, no time, "unknown" as the operating system (RFC 1952, section 2.3.1).
            Compression::Gzip => {
                let header = GzBuilder::new().mtime(0).operating_system(255);
                Self::Gzip(header.write(Vec::new(), flate2::Compression::new(LEVEL)))
            }
        }
    }

    /// Takes content, and gives what is packed so far; it may be nothing.
    pub(super) fn pack(&mut self, content: Vec<u8>) -> Result<Vec<u8>, ExportError> {
        match self {
            Self::Nothing => Ok(content),
            Self::Gzip(encoder) => {
                encoder.write_all(&content).map_err(|error| ExportError::io("packing a file", error))?;
                Ok(std::mem::take(encoder.get_mut()))
            }
        }
    }

    /// The rest.
    pub(super) fn finish(self) -> Result<Vec<u8>, ExportError> {
        match self {
            Self::Nothing => Ok(Vec::new()),
            Self::Gzip(encoder) => encoder.finish().map_err(|error| ExportError::io("packing a file", error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn packed(chunks: &[&str]) -> Vec<u8> {
        let mut packer = Packer::new(Compression::Gzip);
        let mut out = Vec::new();
        for chunk in chunks {
            out.extend(packer.pack(chunk.as_bytes().to_vec()).unwrap());
        }
        out.extend(packer.finish().unwrap());
        out
    }

    #[test]
    fn a_packed_file_has_no_time_in_it_and_unpacks_to_its_content() {
        let chunks = ["a line\n", &"another\n".repeat(100_000), ""];
        let file = packed(&chunks);
        assert_eq!(file, packed(&chunks));
        assert_eq!(file[4..8], [0; 4]);
        assert_eq!(file[9], 255);
        let mut content = String::new();
        flate2::read::GzDecoder::new(&*file).read_to_string(&mut content).unwrap();
        assert_eq!(content, chunks.concat());
    }
}
