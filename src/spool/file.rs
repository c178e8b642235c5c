//! A file without a name, which is gone with its last handle, however the process ends.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use tokio::runtime::Handle;

use super::piece::Piece;

/// Each piece has its length before it.
const HEADER_BYTES: u64 = 8;

/// What a piece takes on disk.
pub(super) fn bytes_on_disk(piece: &Piece) -> u64 {
    HEADER_BYTES + piece.bytes().len() as u64
}

/// Only for the user that walferry runs as; its methods block.
#[derive(Debug)]
pub(super) struct SpoolFile(Option<File>);

impl SpoolFile {
    pub(super) fn create(directory: &Path) -> io::Result<Self> {
        tempfile::tempfile_in(directory).map(|file| SpoolFile(Some(file)))
    }

    fn file(&self) -> io::Result<&File> {
        self.0
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Adds pieces at the end. Nothing needs to survive a crash, so nothing is flushed.
    pub(super) fn append(&self, pieces: &[Piece]) -> io::Result<()> {
        let mut file = self.file()?;
        for piece in pieces {
            let length = piece.bytes().len() as u64;
            file.write_all(&length.to_be_bytes())?;
            file.write_all(piece.bytes())?;
        }
        Ok(())
    }

    /// The piece that begins at `at`.
    pub(super) fn read(&self, at: u64) -> io::Result<Piece> {
        let file = self.file()?;
        let mut length = [0; 8];
        file.read_exact_at(&mut length, at)?;
        let length = usize::try_from(u64::from_be_bytes(length))
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, at + HEADER_BYTES)?;
        Ok(Piece::new(bytes))
    }
}

impl Drop for SpoolFile {
    /// To give back gigabytes takes the file system a while.
    fn drop(&mut self) {
        if let (Some(file), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn_blocking(move || drop(file));
        }
    }
}
