//! Sees to it that a password never crosses a network in the clear, nor its md5 hash unless that is
//! allowed: who hears it can guess the password at leisure.
//!
//! tokio-postgres answers `AuthenticationCleartextPassword` whatever the wire looks like. So on a
//! wire that is neither encrypted nor local, the server's messages are watched until the login is
//! over, and that one becomes an error before anybody can answer it.

use std::fmt;
use std::io;

/// The cause inside the [`io::Error`]: what a server asks for on a wire that anybody can listen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposed {
    /// The password itself.
    Password,
    /// Its md5 hash with a salt.
    Md5,
}

impl Exposed {
    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Exposed::Password => {
                "Use TLS (sslmode = \"verify-full\"), or scram-sha-256 in the server's pg_hba.conf."
            }
            Exposed::Md5 => {
                "Use TLS (sslmode = \"verify-full\"), or have the role's password set anew with \
                 password_encryption = 'scram-sha-256'; md5_in_clear = true sends the hash anyway."
            }
        }
    }
}

impl fmt::Display for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Exposed::Password => "asks for the password in the clear",
            Exposed::Md5 => "asks for an md5 hash of the password in the clear",
        })?;
        f.write_str(", on a connection that anybody can listen to")
    }
}

impl std::error::Error for Exposed {}

/// Tag, length and, for authentication messages, the code that follows.
const HEAD_BYTES: usize = 9;

/// Follows the messages of a server, in whatever pieces they arrive.
#[derive(Debug, Default)]
pub(super) struct LoginWatch {
    md5_in_clear: bool,
    head: Vec<u8>,
    skip: usize,
    over: bool,
}

impl LoginWatch {
    /// `md5_in_clear` lets the hash pass.
    pub(super) fn new(md5_in_clear: bool) -> Self {
        LoginWatch {
            md5_in_clear,
            ..LoginWatch::default()
        }
    }

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
            match *code {
                [0, 0, 0, 0] => self.over = true,
                [0, 0, 0, 3] => return Err(io::Error::other(Exposed::Password)),
                [0, 0, 0, 5] if !self.md5_in_clear => return Err(io::Error::other(Exposed::Md5)),
                [_, _, _, _] => {}
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
    const MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
    const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";

    fn seen(messages: &[&[u8]], piece: usize) -> io::Result<()> {
        let mut watch = LoginWatch::new(false);
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
            assert!(seen(&[NOTICE, MD5], piece).is_err());
        }
    }

    #[test]
    fn a_hash_passes_where_it_is_allowed() {
        let mut watch = LoginWatch::new(true);
        assert!(watch.see(MD5).is_ok());
        assert!(watch.see(CLEARTEXT).is_err());
    }

    #[test]
    fn other_logins_pass_and_nothing_is_looked_at_after_them() {
        for piece in 1..=40 {
            assert!(seen(&[NOTICE, SCRAM, OK, CLEARTEXT], piece).is_ok());
        }
    }
}
