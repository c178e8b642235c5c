//! Positions in the write-ahead log.
//!
//! Three positions look alike and mean different things, so each has a type of its own:
//! [`ReceivedLsn`] came over the wire, [`AppliedLsn`] was committed in the destination, and
//! [`crate::checkpoint::DurableLsn`] is known to be flushed there. Only the last may be
//! acknowledged to the source, and only `checkpoint` can make one.
//!
//! All comparisons between transactions use the **end** LSN of the commit record: rows of one
//! COPY share an LSN, and `START_REPLICATION` resumes at an end LSN, never at end + 1.

use std::fmt;
use std::str::FromStr;

/// A byte position in the write-ahead log (`pg_lsn`), printed as PostgreSQL does: `16/B374D848`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    /// `0/0`, which PostgreSQL calls an invalid LSN: before everything.
    pub const ZERO: Lsn = Lsn(0);

    /// After everything.
    pub const MAX: Lsn = Lsn(u64::MAX);

    /// Bytes from `earlier` to `self`; 0 when `earlier` is not earlier.
    pub fn bytes_since(self, earlier: Lsn) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// The text was not of the form `16/B374D848`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Not an LSN: expected two hexadecimal numbers separated by a slash, like 16/B374D848")]
pub struct ParseLsnError;

impl FromStr for Lsn {
    type Err = ParseLsnError;

    fn from_str(text: &str) -> Result<Self, ParseLsnError> {
        let (high, low) = text.split_once('/').ok_or(ParseLsnError)?;
        let part = |digits: &str| {
            let plain = (1..=8).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !plain {
                return Err(ParseLsnError);
            }
            u64::from_str_radix(digits, 16).map_err(|_| ParseLsnError)
        };
        Ok(Lsn(part(high)? << 32 | part(low)?))
    }
}

impl serde::Serialize for Lsn {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Lsn {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// How far the wire was read: the end of the last commit or keepalive that was decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReceivedLsn(pub Lsn);

/// How far the destination has committed, flushed or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AppliedLsn(pub Lsn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_lsn_reads_back_as_it_was_printed() {
        for value in [0, 1, 0xFFFF_FFFF, 0x1_0000_0000, 0x16_B374_D848, u64::MAX] {
            assert_eq!(Lsn(value).to_string().parse(), Ok(Lsn(value)));
        }
    }

    #[test]
    fn malformed_positions_are_refused() {
        for text in [
            "",
            "/",
            "1",
            "1/",
            "/1",
            "g/1",
            "1/2/3",
            "123456789/0",
            "+1/0",
            " 1/0",
        ] {
            assert_eq!(text.parse::<Lsn>(), Err(ParseLsnError), "{text:?}");
        }
    }
}
