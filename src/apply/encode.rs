//! Rows → COPY data, text or binary; a column → a binary array; a row → one composite value.

use bytes::{BufMut, BytesMut};

use crate::decode::Cell;

/// COPY's two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Binary,
}

/// A value came in the other format than its table's rows are staged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FormatMismatch;

/// Signature, flags, extension length.
const BINARY_HEADER: &[u8] = b"PGCOPY\n\xFF\r\n\0\0\0\0\0\0\0\0\0";

impl Format {
    /// What comes before the first row.
    pub(super) fn begin(self, out: &mut BytesMut) {
        if self == Format::Binary {
            out.put_slice(BINARY_HEADER);
        }
    }

    /// What comes after the last row.
    pub(super) fn end(self, out: &mut BytesMut) {
        if self == Format::Binary {
            out.put_i16(-1);
        }
    }

    /// One row; [`Cell::Unchanged`] becomes NULL, for the caller to fill in later.
    pub(super) fn row<'a>(
        self,
        cells: impl Iterator<Item = Cell<'a>>,
        out: &mut BytesMut,
    ) -> Result<(), FormatMismatch> {
        match self {
            Format::Text => text_row(cells, out),
            Format::Binary => binary_row(cells, out),
        }
    }
}

/// A value of a composite type, of the types and values of its attributes; [`Cell::Unchanged`]
/// becomes NULL.
pub(super) fn composite<'a>(
    format: Format,
    attributes: impl ExactSizeIterator<Item = (u32, Cell<'a>)>,
    out: &mut Vec<u8>,
) -> Result<(), FormatMismatch> {
    match format {
        Format::Text => {
            out.push(b'(');
            for (at, (_, cell)) in attributes.enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                match cell {
                    Cell::Null | Cell::Unchanged => {}
                    Cell::Text(value) => quote(value, out),
                    Cell::Binary(_) => return Err(FormatMismatch),
                }
            }
            out.push(b')');
        }
        Format::Binary => {
            out.put_i32(narrow(attributes.len())?);
            for (type_oid, cell) in attributes {
                out.put_u32(type_oid);
                match cell {
                    Cell::Null | Cell::Unchanged => out.put_i32(-1),
                    Cell::Binary(value) => {
                        out.put_i32(narrow(value.len())?);
                        out.put_slice(value);
                    }
                    Cell::Text(_) => return Err(FormatMismatch),
                }
            }
        }
    }
    Ok(())
}

/// Within quotes only quotes and backslashes have a meaning: two of them stand for one.
fn quote(value: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in value {
        if matches!(byte, b'"' | b'\\') {
            out.push(*byte);
        }
        out.push(*byte);
    }
    out.push(b'"');
}

fn narrow(number: usize) -> Result<i32, FormatMismatch> {
    i32::try_from(number).map_err(|_| FormatMismatch)
}

/// A parameter: the values as an array of one dimension. Returns how many there are.
pub(super) fn list<'a>(
    element: u32,
    values: impl Iterator<Item = Cell<'a>>,
    out: &mut BytesMut,
) -> Result<u64, FormatMismatch> {
    let start = out.len();
    // length, dimensions, no NULLs, type, number of values, first subscript
    out.put_i32(0);
    out.put_i32(1);
    out.put_i32(0);
    out.put_u32(element);
    let count_at = out.len();
    out.put_i32(0);
    out.put_i32(1);
    let mut count = 0;
    for value in values {
        let Cell::Binary(value) = value else {
            return Err(FormatMismatch);
        };
        out.put_i32(narrow(value.len())?);
        out.put_slice(value);
        count += 1;
    }
    let length = narrow(out.len() - start - 4)?;
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    out[count_at..count_at + 4].copy_from_slice(&narrow(count)?.to_be_bytes());
    Ok(count as u64)
}

fn binary_row<'a>(
    cells: impl Iterator<Item = Cell<'a>>,
    out: &mut BytesMut,
) -> Result<(), FormatMismatch> {
    let count_at = out.len();
    out.put_i16(0);
    let mut count: i16 = 0;
    for cell in cells {
        count += 1;
        match cell {
            Cell::Null | Cell::Unchanged => out.put_i32(-1),
            Cell::Binary(value) => {
                out.put_i32(narrow(value.len())?);
                out.put_slice(value);
            }
            Cell::Text(_) => return Err(FormatMismatch),
        }
    }
    out[count_at..count_at + 2].copy_from_slice(&count.to_be_bytes());
    Ok(())
}

fn text_row<'a>(
    cells: impl Iterator<Item = Cell<'a>>,
    out: &mut BytesMut,
) -> Result<(), FormatMismatch> {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.put_u8(b'\t');
        }
        match cell {
            Cell::Null | Cell::Unchanged => out.put_slice(b"\\N"),
            Cell::Text(value) => escape(value, out),
            Cell::Binary(_) => return Err(FormatMismatch),
        }
    }
    out.put_u8(b'\n');
    Ok(())
}

/// COPY's text format gives a meaning to backslash, tab and the two line breaks; all other bytes
/// stand for themselves.
fn escape(mut value: &[u8], out: &mut BytesMut) {
    let special = |byte: &u8| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r');
    while let Some(at) = value.iter().position(special) {
        out.put_slice(&value[..at]);
        let letter = match value[at] {
            b'\t' => b't',
            b'\n' => b'n',
            b'\r' => b'r',
            _ => b'\\',
        };
        out.put_slice(&[b'\\', letter]);
        value = &value[at + 1..];
    }
    out.put_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_copy_would_misread_is_escaped() {
        let mut out = BytesMut::new();
        let cells = [
            Cell::Text(b"a\tb\\N\r\n\\."),
            Cell::Null,
            Cell::Text(b""),
            Cell::Unchanged,
        ];
        Format::Text.row(cells.into_iter(), &mut out).unwrap();
        assert_eq!(&out[..], b"a\\tb\\\\N\\r\\n\\\\.\t\\N\t\t\\N\n");
    }

    #[test]
    fn binary_rows_carry_count_and_lengths() {
        let mut out = BytesMut::new();
        let cells = [Cell::Binary(&[7, 8]), Cell::Null];
        Format::Binary.row(cells.into_iter(), &mut out).unwrap();
        assert_eq!(&out[..], [0, 2, 0, 0, 0, 2, 7, 8, 0xFF, 0xFF, 0xFF, 0xFF]);
    }

    #[test]
    fn a_list_is_an_array_of_one_dimension() {
        let mut out = BytesMut::new();
        let values = [Cell::Binary(&[0, 7]), Cell::Binary(&[1, 2])];
        assert_eq!(list(21, values.into_iter(), &mut out), Ok(2));
        let words = [32_u32, 1, 0, 21, 2, 1, 2];
        let head: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
        assert_eq!(out[..28], head);
        assert_eq!(out[28..], [0, 7, 0, 0, 0, 2, 1, 2]);
        let null = std::iter::once(Cell::Null);
        assert_eq!(list(21, null, &mut out), Err(FormatMismatch));
    }

    #[test]
    fn a_row_can_be_one_value() {
        let mut out = Vec::new();
        let cells = [
            Cell::Text(b"a\"b\\,"),
            Cell::Null,
            Cell::Text(b""),
            Cell::Unchanged,
        ];
        let attributes = cells.map(|cell| (25, cell)).into_iter();
        composite(Format::Text, attributes, &mut out).unwrap();
        assert_eq!(out, b"(\"a\"\"b\\\\,\",,\"\",)");
        out.clear();
        let attributes = [(21, Cell::Binary(&[7, 8])), (23, Cell::Null)].into_iter();
        composite(Format::Binary, attributes, &mut out).unwrap();
        let (first, second) = (
            [0, 0, 0, 21, 0, 0, 0, 2, 7, 8],
            [0, 0, 0, 23, 255, 255, 255, 255],
        );
        assert_eq!(out, [&[0, 0, 0, 2][..], &first, &second].concat());
    }

    #[test]
    fn formats_do_not_mix_silently() {
        let mut out = BytesMut::new();
        let text = std::iter::once(Cell::Text(b"1"));
        assert_eq!(Format::Binary.row(text, &mut out), Err(FormatMismatch));
        let binary = std::iter::once(Cell::Binary(b"1"));
        assert_eq!(Format::Text.row(binary, &mut out), Err(FormatMismatch));
    }
}
