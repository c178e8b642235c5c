//! Ports of 127.0.0.1 for servers that come and go.

use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

use crate::error::{Error, Kind, Result};

/// How many ports are tried before giving up.
const TRIES: u32 = 20;

/// A port that no other throw-away server gets until this is dropped, also while its server is
/// stopped or not there yet.
///
/// **Why that is so.** A socket that never listens is bound to it: without `SO_REUSEADDR`, which
/// Linux refuses where anybody is bound, also to the next who claims it. It gets that afterwards,
/// so that a server that has it, be it PostgreSQL, sshd or walferry, may bind as long as nobody
/// listens.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: Socket,
}

impl Port {
    /// One below the range from which the kernel takes those of outgoing connections.
    ///
    /// # Errors
    /// When none of 20 was free.
    pub fn claim() -> Result<Port> {
        let random = |attempt| RandomState::new().hash_one(attempt) % 17_000;
        let mut numbers = (0..TRIES).map(|n| 15_000 + u16::try_from(random(n)).unwrap_or_default());
        let claimed = numbers.find_map(Port::of_number);
        claimed.ok_or_else(|| Error::new(Kind::Io, "No free port of 127.0.0.1 was found"))
    }

    fn of_number(number: u16) -> Option<Port> {
        let claim = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
        claim.bind(&address.into()).ok()?;
        claim.set_reuse_address(true).ok()?;
        Some(Port {
            number,
            _claim: claim,
        })
    }

    /// From 1 to 65535.
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// Nobody listens there, so that a server may.
pub(super) fn is_silent(number: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_port_is_for_one_server_until_it_is_given_back() {
        let port = Port::claim().unwrap();
        let number = port.number();
        assert!(is_silent(number) && Port::of_number(number).is_none());
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        assert!(!is_silent(number) && Port::of_number(number).is_none());
        drop(server);
        assert!(is_silent(number) && Port::of_number(number).is_none());
        drop(port);
        assert!(Port::of_number(number).is_some());
    }
}
