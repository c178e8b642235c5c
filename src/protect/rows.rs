//! Rows of COPY's text format, with columns that are hashed or masked.
//!
//! The source sends whole rows; within one, tabs part the columns, and a tab, a line break or a
//! backslash of a value comes behind a backslash. So columns that are copied pass untouched. Values
//! that are masked are never asked for: they stand behind the others.

use memchr::memchr;

use super::Treatment;

/// How rows of a table are written.
#[derive(Clone, Debug, Default)]
pub struct RowWriter {
    /// What becomes of the columns that are read.
    read: Vec<Treatment>,
    /// What stands behind them in each row.
    behind: Vec<u8>,
}

impl RowWriter {
    /// Of the columns that are read, and of those that get a value without that; `None` when rows
    /// can stay as they are.
    pub fn new<'t>(
        read: impl Iterator<Item = &'t Treatment>,
        masked: impl Iterator<Item = &'t Treatment>,
    ) -> Option<Self> {
        let read: Vec<Treatment> = read.cloned().collect();
        let mut writer = RowWriter {
            read,
            behind: Vec::new(),
        };
        for (at, treatment) in masked.enumerate() {
            if at > 0 || !writer.read.is_empty() {
                writer.behind.push(b'\t');
            }
            match treatment {
                Treatment::Mask(Some(value)) => escape(value.as_bytes(), &mut writer.behind),
                _ => writer.behind.extend_from_slice(b"\\N"),
            }
        }
        let plain = writer.read.iter().all(|one| *one == Treatment::Copy);
        (!plain || !writer.behind.is_empty()).then_some(writer)
    }

    /// Rewrites whole rows; `None` for bytes that are none.
    pub fn rewrite(&self, rows: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::with_capacity(rows.len() + rows.len() / 4);
        let mut rest = rows;
        while !rest.is_empty() {
            let (row, after) = rest.split_at(memchr(b'\n', rest)?);
            rest = &after[1..];
            self.row(row, &mut out)?;
            out.push(b'\n');
        }
        Some(out)
    }

    fn row(&self, row: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let mut rest = Some(row);
        for (at, treatment) in self.read.iter().enumerate() {
            let here = rest?;
            let end = memchr(b'\t', here);
            let value = &here[..end.unwrap_or(here.len())];
            rest = end.map(|end| &here[end + 1..]);
            if at > 0 {
                out.push(b'\t');
            }
            match treatment {
                Treatment::Hash(hasher) if value != b"\\N" => {
                    out.extend_from_slice(&hasher.hash(&unescape(value)));
                }
                _ => out.extend_from_slice(value),
            }
        }
        out.extend_from_slice(&self.behind);
        // a row of no columns is an empty line
        let done = rest.is_none() || (self.read.is_empty() && row.is_empty());
        done.then_some(())
    }
}

/// What COPY wrote as this: it puts a backslash before each sign that would be misread, and writes
/// some of them as letters.
fn unescape(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next() {
                Some(b'b') => 8,
                Some(b'f') => 12,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'v') => 11,
                Some(other) => other,
                None => b'\\',
            },
            byte => byte,
        });
    }
    out
}

fn escape(value: &[u8], out: &mut Vec<u8>) {
    for &byte in value {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            byte => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Hasher;
    use super::*;

    fn writer(read: &[Treatment], masked: &[Treatment]) -> RowWriter {
        RowWriter::new(read.iter(), masked.iter()).unwrap()
    }

    fn rewritten(writer: &RowWriter, rows: &str) -> String {
        String::from_utf8(writer.rewrite(rows.as_bytes()).unwrap()).unwrap()
    }

    fn hash(hasher: &Hasher, value: &str) -> String {
        String::from_utf8(hasher.hash(value.as_bytes()).to_vec()).unwrap()
    }

    #[test]
    fn the_hash_is_of_the_value_and_not_of_how_copy_writes_it() {
        let hasher = Hasher::new(b"salt");
        let writer = writer(
            &[
                Treatment::Copy,
                Treatment::Hash(hasher.clone()),
                Treatment::Copy,
            ],
            &[],
        );
        let rows = "1\ta\\tb\\\\\\nc\td\\te\n\\N\t\\N\t\\N\n2\t\t\n3\t\\\\N\tx\n";
        let expected = format!(
            "1\t{}\td\\te\n\\N\t\\N\t\\N\n2\t{}\t\n3\t{}\tx\n",
            hash(&hasher, "a\tb\\\nc"),
            hash(&hasher, ""),
            hash(&hasher, "\\N")
        );
        assert_eq!(rewritten(&writer, rows), expected);
    }

    #[test]
    fn masks_stand_behind_what_is_read() {
        let masks = [Treatment::Mask(None), Treatment::Mask(Some("a\tb".into()))];
        let some = writer(&[Treatment::Copy], &masks);
        assert_eq!(rewritten(&some, "1\n\n"), "1\t\\N\ta\\tb\n\t\\N\ta\\tb\n");
        let none = writer(&[], &masks);
        assert_eq!(rewritten(&none, "\n\n"), "\\N\ta\\tb\n\\N\ta\\tb\n");
        assert!(RowWriter::new([Treatment::Copy].iter(), [].iter()).is_none());
    }

    #[test]
    fn what_is_no_row_of_the_table_is_refused() {
        let writer = writer(&[Treatment::Copy, Treatment::Hash(Hasher::new(b"s"))], &[]);
        for bad in ["1\n", "1\t2\t3\n", "1\t2"] {
            assert!(writer.rewrite(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }
}
