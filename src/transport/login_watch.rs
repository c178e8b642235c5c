//! Sees to it that a password never crosses a network in the clear.
//!
//! tokio-postgres answers `AuthenticationCleartextPassword` whatever the wire looks like. So on a
//! wire that is neither encrypted nor local, the server's messages are watched until the login is
//! over, and that one becomes an error before anybody can answer it.

use std::fmt;
use std::io;

/// The cause inside the [`io::Error`].
#[derive(Debug)]
pub(super) struct CleartextRefused;

impl fmt::Display for CleartextRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server asks for the password in the clear")
    }
}

impl std::error::Error for CleartextRefused {}

/// Tag, length and, for authentication messages, the code that follows.
const HEAD_BYTES: usize = 9;

/// Follows the messages of a server, in whatever pieces they arrive.
#[derive(Debug, Default)]
pub(super) struct LoginWatch {
    head: Vec<u8>,
    skip: usize,
    over: bool,
}

impl LoginWatch {
    /// Looks at the next bytes that the server sent.
    pub(super) fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !self.over && !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let Some((&byte, rest)) = bytes.split_first() else {
                return Ok(());
            };
            self.head.push(byte);
            bytes = rest;
            self.judge()?;
        }
        Ok(())
    }

    fn judge(&mut self) -> io::Result<()> {
        let &[tag, a, b, c, d, ref code @ ..] = self.head.as_slice() else {
            return Ok(());
        };
        let length = u32::from_be_bytes([a, b, c, d]) as usize;
        if tag == b'R' && length >= 8 {
            match code {
                &[0, 0, 0, 0] => self.over = true,
                &[0, 0, 0, 3] => return Err(io::Error::other(CleartextRefused)),
                &[_, _, _, _] => {}
                _ => return Ok(()),
            }
        }
        // the length counts itself but not the tag
        self.skip = (length + 1).saturating_sub(self.head.len());
        self.head.clear();
        self.head.reserve(HEAD_BYTES);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: &[u8] = b"N\0\0\0\x08abcd";
    const SCRAM: &[u8] = b"R\0\0\0\x0c\0\0\0\x0aabcd";
    const CLEARTEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
    const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";

    fn seen(messages: &[&[u8]], piece: usize) -> io::Result<()> {
        let mut watch = LoginWatch::default();
        messages
            .concat()
            .chunks(piece)
            .try_for_each(|bytes| watch.see(bytes))
    }

    #[test]
    fn a_request_for_the_password_is_found_in_any_pieces_and_after_any_message() {
        for piece in 1..=40 {
            assert!(seen(&[CLEARTEXT], piece).is_err());
            assert!(seen(&[NOTICE, SCRAM, NOTICE, CLEARTEXT], piece).is_err());
        }
    }

    #[test]
    fn other_logins_pass_and_nothing_is_looked_at_after_them() {
        for piece in 1..=40 {
            assert!(seen(&[NOTICE, SCRAM, OK, CLEARTEXT], piece).is_ok());
        }
    }
}
