//! The compression around an archive, with limits for memory and for what comes out.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};

use super::{ArchiveError, ArchiveLimits};

/// An archive's bytes, counted.
pub(super) struct Unpacked<'a> {
    stream: Box<dyn Read + 'a>,
    taken: u64,
    limit: u64,
}

/// What stops a reader at the limit; it comes back through `io::Error`.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes unpacked")]
struct TooMuch(u64);

/// Opens what the first bytes say it is, not what its name says.
pub(super) fn open<'a>(
    file: &'a File,
    size: u64,
    limits: &ArchiveLimits,
) -> Result<Unpacked<'a>, ArchiveError> {
    let mut file = file;
    let mut magic = [0; 6];
    file.rewind().map_err(ArchiveError::Read)?;
    file.read_exact(&mut magic).map_err(ArchiveError::Damaged)?;
    file.rewind().map_err(ArchiveError::Read)?;
    let file = BufReader::with_capacity(1 << 16, file);
    let stream: Box<dyn Read> = match magic {
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let mut decoder =
                zstd::stream::read::Decoder::with_buffer(file).map_err(ArchiveError::Damaged)?;
            // The window is what takes memory.
            let window = limits.memory.max(1 << 10).ilog2();
            decoder.window_log_max(window).map_err(ArchiveError::Damaged)?;
            Box::new(decoder)
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0] => {
            let stream = liblzma::stream::Stream::new_stream_decoder(limits.memory, 0)
                .map_err(|error| ArchiveError::Damaged(error.into()))?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(file, stream))
        }
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
        _ => {
            let reason = "it is packed by neither zstd, xz nor gzip";
            return Err(ArchiveError::Damaged(io::Error::new(io::ErrorKind::InvalidData, reason)));
        }
    };
    let limit = if omg_failpoint::weak!("26") { u64::MAX } else { limits.unpacked_of(size) };
    Ok(Unpacked { stream, taken: 0, limit })
}

impl Unpacked<'_> {
    /// Bytes so far.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.taken = self.taken.saturating_add(read as u64);
        if self.taken > self.limit {
            return Err(io::Error::other(TooMuch(self.limit)));
        }
        Ok(read)
    }
}

/// What a reader of the archive says, with our own limit found again in it.
pub(super) fn told(error: io::Error) -> ArchiveError {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(cause) = next {
        if let Some(TooMuch(limit)) = cause.downcast_ref() {
            return ArchiveError::Limit { what: "bytes unpacked", limit: *limit };
        }
        // An `io::Error` hides the error that it wraps from `source`.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|it| it as _).or_else(|| cause.source());
    }
    ArchiveError::Damaged(error)
}
