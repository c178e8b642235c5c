//! Row and key images, one after the other in one allocation.

use super::spare;

/// Where an image lies in its [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: u32,
    length: u32,
}

/// Bytes that are only ever added; all of them go at once.
///
/// Holds at most 4 GiB. A batch is handed over once it exceeds `apply.memory_max` (at most
/// 2 GiB), and one change adds at most two rows of 1 GiB, so the limit is never met.
#[derive(Debug, Default)]
pub struct Arena {
    bytes: Vec<u8>,
}

impl Arena {
    /// Adds an image.
    pub fn push(&mut self, image: &[u8]) -> Span {
        self.write(|bytes| bytes.extend_from_slice(image))
    }

    /// Adds what `write` appends.
    pub fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let narrow = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Span {
            start: narrow(start),
            length: narrow(self.bytes.len() - start),
        }
    }

    /// Puts an image where another one was, if it fits there; else adds it.
    pub fn replace(&mut self, old: Span, image: &[u8]) -> Span {
        let start = old.start as usize;
        match self.bytes.get_mut(start..start + image.len()) {
            Some(place) if image.len() <= old.length as usize => {
                place.copy_from_slice(image);
                Span {
                    start: old.start,
                    length: u32::try_from(image.len()).unwrap_or(u32::MAX),
                }
            }
            _ => self.push(image),
        }
    }

    /// The image.
    pub fn get(&self, span: Span) -> &[u8] {
        let start = span.start as usize;
        &self.bytes[start..start + span.length as usize]
    }

    /// Bytes held, dead ones included.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Holds nothing.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes of memory, used or not.
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Without images, in the memory that it had.
    pub(super) fn emptied(self) -> Self {
        Arena {
            bytes: spare::emptied(self.bytes),
        }
    }

    /// Forgets everything written after the arena had this length.
    pub(super) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    pub(super) fn tail(&self, from: usize) -> &[u8] {
        &self.bytes[from..]
    }
}
