//! A row on the wire: `TupleData`, borrowed.

use super::DecodeError;
use super::cursor::Cursor;

/// One column's value in a tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'a> {
    /// SQL NULL; in a key image also "not part of the key".
    Null,
    /// An out-of-line value that the UPDATE did not touch: the server did not read it.
    Unchanged,
    /// What the type's output function wrote.
    Text(&'a [u8]),
    /// What the type's send function wrote.
    Binary(&'a [u8]),
}

/// A whole row; the bytes after the column count were checked when it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuple<'a> {
    cells: &'a [u8],
    count: u16,
    has_unchanged: bool,
}

impl<'a> Tuple<'a> {
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        let count = cursor.u16("a tuple's column count")?;
        let start = cursor.remaining();
        let mut has_unchanged = false;
        for _ in 0..count {
            match cursor.u8("a tuple's column kind")? {
                b'n' => {}
                b'u' => has_unchanged = true,
                b't' | b'b' => {
                    let length = cursor.length("a column value")?;
                    cursor.bytes(length, "a column value")?;
                }
                tag => {
                    return Err(DecodeError::UnknownTag {
                        what: "column kind",
                        tag,
                    });
                }
            }
        }
        let length = start.len() - cursor.remaining().len();
        let cells = start
            .get(..length)
            .ok_or(DecodeError::Truncated("a tuple"))?;
        Ok(Tuple {
            cells,
            count,
            has_unchanged,
        })
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// A table may have no columns at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Some column is [`Cell::Unchanged`].
    pub fn has_unchanged(&self) -> bool {
        self.has_unchanged
    }

    /// The encoded columns, readable again with [`Cells::new`].
    pub fn encoded(&self) -> &'a [u8] {
        self.cells
    }

    /// The columns in the relation's order.
    pub fn cells(&self) -> Cells<'a> {
        Cells::new(self.cells)
    }

    /// The row that `write` makes of it in `out`: column by column, by their positions, it writes
    /// one cell, or none and returns false.
    pub fn rewritten<'o>(
        &self,
        out: &'o mut Vec<u8>,
        mut write: impl FnMut(usize, Cell<'_>, &mut Vec<u8>) -> bool,
    ) -> Tuple<'o> {
        out.clear();
        let (mut count, mut has_unchanged) = (0, false);
        for (at, cell) in self.cells().enumerate() {
            let start = out.len();
            if write(at, cell, out) {
                count += 1;
                has_unchanged |= out.get(start) == Some(&b'u');
            }
        }
        Tuple {
            cells: out,
            count,
            has_unchanged,
        }
    }
}

/// Walks encoded columns: kind byte, then for values a length and the bytes.
///
/// Only fed with bytes that were checked when their tuple was read, or that [`Cell::encode`]
/// wrote; should they be anything else it ends early, and the caller's column count tells.
#[derive(Clone, Debug)]
pub struct Cells<'a> {
    rest: &'a [u8],
}

impl<'a> Cells<'a> {
    /// Over the encoded columns of one row.
    pub fn new(encoded: &'a [u8]) -> Self {
        Cells { rest: encoded }
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Cell<'a>;

    #[inline]
    fn next(&mut self) -> Option<Cell<'a>> {
        let (&kind, rest) = self.rest.split_first()?;
        if kind == b'n' || kind == b'u' {
            self.rest = rest;
            return Some(if kind == b'n' {
                Cell::Null
            } else {
                Cell::Unchanged
            });
        }
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(if kind == b't' {
            Cell::Text(value)
        } else {
            Cell::Binary(value)
        })
    }
}

impl Cell<'_> {
    /// Appends the wire form.
    pub fn encode(self, out: &mut Vec<u8>) {
        let (kind, value) = match self {
            Cell::Null => return out.push(b'n'),
            Cell::Unchanged => return out.push(b'u'),
            Cell::Text(value) => (b't', value),
            Cell::Binary(value) => (b'b', value),
        };
        // A value came out of a frame, whose length is below 2 GiB.
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX);
        out.push(kind);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    }
}
