//! What becomes of one column's values. Pure.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac;

use crate::decode::Cell;

/// What becomes of a column's values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Treatment {
    /// They are copied as they are.
    #[default]
    Copy,
    /// The destination never has them.
    LeaveOut,
    /// Each becomes this one; `None` is NULL.
    Mask(Option<Arc<str>>),
    /// Each becomes a hash of it; NULL stays NULL.
    Hash(Hasher),
}

impl Treatment {
    /// The column becomes text.
    pub fn makes_text(&self) -> bool {
        matches!(self, Treatment::Hash(_) | Treatment::Mask(Some(_)))
    }

    /// As it is remembered; equal exactly if values come out equal.
    pub fn recorded(&self) -> String {
        match self {
            Treatment::Copy => String::new(),
            Treatment::LeaveOut => "exclude".to_owned(),
            Treatment::Mask(None) => "mask".to_owned(),
            Treatment::Mask(Some(value)) => format!("mask={value}"),
            Treatment::Hash(hasher) => format!("hash:{}", hasher.fingerprint),
        }
    }

    /// For people, after "is".
    pub fn describe(&self) -> &'static str {
        match self {
            Treatment::Copy => "copied as it is",
            Treatment::LeaveOut => "left out",
            Treatment::Mask(_) => "masked",
            Treatment::Hash(_) => "hashed",
        }
    }

    /// Writes what a value of the stream becomes; false when nothing does.
    ///
    /// A value that did not come stays what it is: it was treated when it came.
    pub fn write(&self, cell: Cell<'_>, out: &mut Vec<u8>) -> bool {
        match (self, cell) {
            (Treatment::LeaveOut, _) => return false,
            (_, Cell::Unchanged) | (Treatment::Copy, _) | (Treatment::Hash(_), Cell::Null) => {
                cell.encode(out);
            }
            (Treatment::Mask(None), _) => Cell::Null.encode(out),
            (Treatment::Mask(Some(value)), _) => Cell::Text(value.as_bytes()).encode(out),
            (Treatment::Hash(hasher), Cell::Text(value) | Cell::Binary(value)) => {
                Cell::Text(&hasher.hash(value)).encode(out);
            }
        }
        true
    }

    /// What a column's value in rows that are older than it becomes.
    pub fn of_missing(&self, missing: Option<&str>) -> Option<String> {
        match self {
            Treatment::Copy => missing.map(str::to_owned),
            Treatment::LeaveOut => None,
            Treatment::Mask(value) => value.as_deref().map(str::to_owned),
            Treatment::Hash(hasher) => missing
                .map(|value| String::from_utf8_lossy(&hasher.hash(value.as_bytes())).into_owned()),
        }
    }
}

/// HMAC-SHA-256 under the salt, in hexadecimal, of a value's text as the source prints it with the
/// settings that walferry pins.
#[derive(Clone)]
pub struct Hasher {
    key: Arc<hmac::Key>,
    /// Tells salts apart without telling them.
    fingerprint: Arc<str>,
}

/// Digits of a hash.
const HASH_DIGITS: usize = 64;

/// Nobody's value begins like this, so that a fingerprint is the hash of none.
const FINGERPRINT_OF: &[u8] = b"\0walferry salt";

impl Hasher {
    /// Hashes with this salt.
    pub fn new(salt: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, salt);
        let digits = hexadecimal(hmac::sign(&key, FINGERPRINT_OF).as_ref());
        let fingerprint = String::from_utf8_lossy(&digits[..16]).into();
        Hasher {
            key: Arc::new(key),
            fingerprint,
        }
    }

    /// The hash of a value.
    pub fn hash(&self, value: &[u8]) -> [u8; HASH_DIGITS] {
        hexadecimal(hmac::sign(&self.key, value).as_ref())
    }
}

fn hexadecimal(bytes: &[u8]) -> [u8; HASH_DIGITS] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'0'; HASH_DIGITS];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

impl PartialEq for Hasher {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Hasher {}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(treatment: &Treatment, cell: Cell<'_>) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        treatment.write(cell, &mut out).then_some(out)
    }

    fn encoded(cell: Cell<'_>) -> Option<Vec<u8>> {
        written(&Treatment::Copy, cell)
    }

    #[test]
    fn a_hash_is_the_hmac_that_pgcrypto_makes() {
        // encode(hmac('Jefe''s value', 'a salt of at least sixteen', 'sha256'), 'hex')
        let hasher = Hasher::new(b"Jefe");
        let hash = hasher.hash(b"what do ya want for nothing?");
        // RFC 4231, test case 2
        assert_eq!(
            std::str::from_utf8(&hash).unwrap(),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_ne!(Hasher::new(b"other"), hasher);
        assert_eq!(Hasher::new(b"Jefe"), hasher);
        assert_eq!(format!("{hasher:?}"), "Hasher");
    }

    #[test]
    fn null_and_what_did_not_come_stay_unless_they_are_masked() {
        let hash = Treatment::Hash(Hasher::new(b"salt"));
        assert_eq!(written(&hash, Cell::Null), encoded(Cell::Null));
        assert_eq!(written(&hash, Cell::Unchanged), encoded(Cell::Unchanged));
        let mask = Treatment::Mask(Some("x".into()));
        assert_eq!(written(&mask, Cell::Null), encoded(Cell::Text(b"x")));
        assert_eq!(written(&mask, Cell::Unchanged), encoded(Cell::Unchanged));
        let null = Treatment::Mask(None);
        assert_eq!(written(&null, Cell::Binary(b"1")), encoded(Cell::Null));
        assert_eq!(written(&Treatment::LeaveOut, Cell::Text(b"1")), None);
    }
}
