//! What follows from each kind of failure: the one place to read how the daemon reacts.

use crate::error::Kind;

/// What the pipeline does about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Start again from the checkpoint after a pause: it may heal.
    Retry,
    /// Start again from the checkpoint at once: the plan is out of date.
    StartAgain,
    /// Stop and say what to do: it will not heal, or going on would mean guessing.
    Halt,
}

/// The reaction to a failure of this kind. What is not known to be final is retried.
pub fn reaction(kind: Kind) -> Reaction {
    match kind {
        Kind::Unreachable
        | Kind::ConnectionLost
        | Kind::ServerBusy
        | Kind::SlotInUse
        | Kind::Contention
        | Kind::Io
        | Kind::Unknown => Reaction::Retry,
        Kind::TableAdded | Kind::TypeChanged | Kind::Spool | Kind::Ahead => Reaction::StartAgain,
        Kind::Config
        | Kind::Tls
        | Kind::Authentication
        | Kind::HostKey
        | Kind::Privilege
        | Kind::Unsupported
        | Kind::SlotMissing
        | Kind::SlotAhead
        | Kind::SlotLost
        | Kind::SlotUnfit
        | Kind::OtherSystem
        | Kind::OlderTimeline
        | Kind::PublicationMissing
        | Kind::AlreadyRunning
        | Kind::Fenced
        | Kind::TableInTheWay
        | Kind::ShapeMismatch
        | Kind::SchemaChanged
        | Kind::Diverged
        | Kind::Refused
        | Kind::Definite
        | Kind::Protocol => Reaction::Halt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_heal_is_retried_and_what_would_be_a_guess_halts() {
        assert_eq!(reaction(Kind::ConnectionLost), Reaction::Retry);
        assert_eq!(reaction(Kind::Unknown), Reaction::Retry);
        assert_eq!(reaction(Kind::SlotAhead), Reaction::Halt);
        assert_eq!(reaction(Kind::Diverged), Reaction::Halt);
        assert_eq!(reaction(Kind::HostKey), Reaction::Halt);
        assert_eq!(reaction(Kind::TableAdded), Reaction::StartAgain);
    }
}
