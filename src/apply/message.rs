//! What a session sends, as the protocol has it.

use bytes::{BufMut, BytesMut};

use crate::decode::Cell;

/// The name of the statement of this number.
pub(super) fn statement_name(number: u32) -> String {
    format!("s{number}")
}

/// Prepares a statement.
pub(super) fn parse(out: &mut BytesMut, name: &str, text: &str) {
    let parse = begin(out, b'P');
    put_string(out, name);
    put_string(out, text);
    out.put_i16(0);
    end(out, parse);
}

/// Gives a prepared statement up.
pub(super) fn close(out: &mut BytesMut, name: &str) {
    let close = begin(out, b'C');
    out.put_u8(b'S');
    put_string(out, name);
    end(out, close);
}

/// Formats and values of a Bind; returns how many there are, and writes nothing if there are none.
pub(super) fn bind_values<'v>(
    out: &mut BytesMut,
    values: impl Iterator<Item = Cell<'v>> + Clone,
) -> i16 {
    let formats_at = out.len();
    out.put_i16(0);
    let mut count: i16 = 0;
    for value in values.clone() {
        count += 1;
        out.put_i16(i16::from(matches!(value, Cell::Binary(_))));
    }
    if count == 0 {
        out.truncate(formats_at);
        return 0;
    }
    out[formats_at..formats_at + 2].copy_from_slice(&count.to_be_bytes());
    out.put_i16(count);
    for value in values {
        match value {
            Cell::Null | Cell::Unchanged => out.put_i32(-1),
            Cell::Text(value) | Cell::Binary(value) => {
                // A value came out of a frame, whose length is below 2 GiB.
                out.put_i32(i32::try_from(value.len()).unwrap_or(i32::MAX));
                out.put_slice(value);
            }
        }
    }
    count
}

/// No statement of ours holds a zero byte, since no name can.
pub(super) fn put_string(out: &mut BytesMut, text: &str) {
    out.put_slice(text.as_bytes());
    out.put_u8(0);
}

/// Begins a message; [`end`] fills its length in. Returns where the length is.
pub(super) fn begin(out: &mut BytesMut, tag: u8) -> usize {
    out.put_u8(tag);
    out.put_i32(0);
    out.len() - 4
}

/// Returns how long the body is.
pub(super) fn end(out: &mut BytesMut, at: usize) -> u64 {
    let length = out.len() - at;
    // At most two rows of 1 GiB minus what the server allows for one.
    let field = i32::try_from(length).unwrap_or(i32::MAX);
    out[at..at + 4].copy_from_slice(&field.to_be_bytes());
    length as u64 - 4
}
