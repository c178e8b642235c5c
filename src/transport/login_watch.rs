//! Sees to it that a password never crosses a network in the clear, nor its md5 hash unless that is
//! allowed: who hears it can guess the password at leisure. And that a server which has not proven
//! yet who it is cannot fill our memory.
//!
//! tokio-postgres answers `AuthenticationCleartextPassword` whatever the wire looks like, takes
//! messages of any size, and keeps notices for later, however many. So the server's messages are
//! watched until it is ready for a statement, and what must not be becomes an error before anybody
//! can answer or keep it. After the login the server is trusted with the memory that its answers
//! take, as it is with the rows.

use std::fmt;
use std::io;

use crate::limits::{LOGIN_BYTES_MAX, LOGIN_MESSAGE_BYTES_MAX};

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

/// What may cross the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Privacy {
    /// Anything: it is encrypted or stays on this machine.
    Private,
    /// Anybody can listen, and the md5 hash may pass all the same.
    Md5InClear,
    /// Anybody can listen.
    Open,
}

/// Follows the messages of a server, in whatever pieces they arrive.
#[derive(Debug)]
pub(super) struct LoginWatch {
    privacy: Privacy,
    head: Vec<u8>,
    skip: usize,
    left: usize,
    over: bool,
}

impl LoginWatch {
    /// From the first byte on.
    pub(super) fn new(privacy: Privacy) -> Self {
        LoginWatch {
            privacy,
            head: Vec::with_capacity(HEAD_BYTES),
            skip: 0,
            left: LOGIN_BYTES_MAX,
            over: false,
        }
    }

    /// Looks at the next bytes that the server sent.
    pub(super) fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if !self.over {
            let left = self.left.checked_sub(bytes.len());
            self.left = left.ok_or_else(too_much)?;
        }
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
        if length > LOGIN_MESSAGE_BYTES_MAX {
            return Err(too_much());
        }
        let open = self.privacy != Privacy::Private;
        if tag == b'Z' {
            self.over = true;
        } else if tag == b'R' && length >= 8 {
            match *code {
                [0, 0, 0, 3] if open => return Err(io::Error::other(Exposed::Password)),
                [0, 0, 0, 5] if self.privacy == Privacy::Open => {
                    return Err(io::Error::other(Exposed::Md5));
                }
                [_, _, _, _] => {}
                _ => return Ok(()),
            }
        }
        // the length counts itself but not the tag
        self.skip = (length + 1).saturating_sub(self.head.len());
        self.head.clear();
        Ok(())
    }
}

fn too_much() -> io::Error {
    let said = "the server says more before the login is over than any login takes";
    io::Error::new(io::ErrorKind::InvalidData, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: &[u8] = b"N\0\0\0\x08abcd";
    const SCRAM: &[u8] = b"R\0\0\0\x0c\0\0\0\x0aabcd";
    const CLEARTEXT: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
    const MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
    const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
    const READY: &[u8] = b"Z\0\0\0\x05I";

    fn seen(messages: &[&[u8]], piece: usize) -> io::Result<()> {
        let mut watch = LoginWatch::new(Privacy::Open);
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
        let mut watch = LoginWatch::new(Privacy::Md5InClear);
        assert!(watch.see(MD5).is_ok());
        assert!(watch.see(CLEARTEXT).is_err());
    }

    #[test]
    fn other_logins_pass_and_nothing_is_looked_at_after_them() {
        for piece in 1..=40 {
            assert!(seen(&[NOTICE, SCRAM, OK, READY, CLEARTEXT], piece).is_ok());
        }
        let mut watch = LoginWatch::new(Privacy::Private);
        assert!(watch.see(CLEARTEXT).is_ok());
        assert!(watch.see(MD5).is_ok());
    }

    #[test]
    fn a_server_that_is_not_trusted_yet_cannot_fill_the_memory() {
        let mut watch = LoginWatch::new(Privacy::Private);
        assert!(watch.see(b"N\0\x01\0\x01").is_err());
        let mut watch = LoginWatch::new(Privacy::Private);
        watch.see(OK).unwrap();
        let notices = (0..LOGIN_BYTES_MAX).take_while(|_| watch.see(NOTICE).is_ok());
        assert_eq!(notices.count(), (LOGIN_BYTES_MAX - OK.len()) / NOTICE.len());
        let mut watch = LoginWatch::new(Privacy::Private);
        watch.see(&[OK, READY].concat()).unwrap();
        let rows = [b"D\x7f\xff\xff\xff", [0; 8192].as_slice()].concat();
        assert!((0..1024).all(|_| watch.see(&rows).is_ok()));
    }
}
