//! What went wrong, with what, and what to do about it.
//!
//! Every error has a [`Kind`]; `pipeline::reaction` maps kinds to reactions in one `match`, and
//! `cli` renders them in one place. No error ever carries a secret or a row value: messages of
//! the server that may quote a value are withheld (see [`postgres`]).

pub mod postgres;

use std::fmt;

use crate::lsn::Lsn;

/// What walferry's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which of the two databases an error or a connection is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The database that is read.
    Source,
    /// The database that is written.
    Destination,
}

impl Side {
    /// The name of the configuration section, the metric label and the word in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Source => "source",
            Side::Destination => "destination",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The classes of failure. Each says when it arises; `pipeline::reaction` says what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The configuration or the command line is wrong.
    Config,
    /// No connection could be made: name resolution, refused, timed out.
    Unreachable,
    /// An established connection ended or went silent.
    ConnectionLost,
    /// The server is starting, stopping or out of a resource (SQLSTATE classes 53, 57, 58).
    ServerBusy,
    /// Another process reads the slot; its session may still be ending (SQLSTATE 55006).
    SlotInUse,
    /// Deadlock, lock time-out or serialization failure (40P01, 55P03, 40001).
    Contention,
    /// TLS could not be negotiated or the certificate does not fit.
    Tls,
    /// The server refused the role or its password (SQLSTATE class 28), or a bastion our key.
    Authentication,
    /// The host key of a bastion is unknown, changed or revoked.
    HostKey,
    /// A right is missing (SQLSTATE 42501), or a bastion forwards nothing to the server.
    Privilege,
    /// The server cannot do what is needed: version, `wal_level`, settings.
    Unsupported,
    /// The slot that the checkpoint belongs to is gone.
    SlotMissing,
    /// The slot was acknowledged past the checkpoint: changes in between cannot be had again.
    SlotAhead,
    /// The source removed WAL that the slot needs (`wal_status = lost`).
    SlotLost,
    /// The slot exists but is of another kind: physical, other plugin, other database.
    SlotUnfit,
    /// The source is another database cluster than the checkpoint was made from.
    OtherSystem,
    /// The source is on an older timeline than the checkpoint: restored from a backup.
    OlderTimeline,
    /// The publication does not exist or lacks a table.
    PublicationMissing,
    /// Another daemon writes this pipeline now.
    AlreadyRunning,
    /// Another daemon took this pipeline over while we were running.
    Fenced,
    /// A destination table is in the way: not made by walferry and not empty.
    TableInTheWay,
    /// A table cannot be copied as it is, or both sides do not have the same shape.
    ShapeMismatch,
    /// The shape of a source table changed while streaming.
    SchemaChanged,
    /// A new table asks for a new initial load before streaming goes on.
    TableAdded,
    /// A type of the source changed: its copy is changed before streaming goes on.
    TypeChanged,
    /// A statement hit other rows than it should have: the destination was written by others.
    Diverged,
    /// The destination refuses a row: constraint, trigger, policy (SQLSTATE class 23 and others).
    Refused,
    /// A statement that can never succeed as it stands (SQLSTATE classes 22, 3D, 3F, 42, 0A).
    Definite,
    /// Bytes on the wire that no PostgreSQL sends.
    Protocol,
    /// The spool cannot take, or give back, a transaction in progress: disk, limit, directory.
    Spool,
    /// A transaction in progress cannot be applied before it commits.
    Ahead,
    /// A file or socket of this machine.
    Io,
    /// Anything that is not classified; retried, because it may heal.
    Unknown,
}

impl Kind {
    /// The kind as the metric label `errors_total{kind}` and the JSON logs spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Config => "config",
            Kind::Unreachable => "unreachable",
            Kind::ConnectionLost => "connection_lost",
            Kind::ServerBusy => "server_busy",
            Kind::SlotInUse => "slot_in_use",
            Kind::Contention => "contention",
            Kind::Tls => "tls",
            Kind::Authentication => "authentication",
            Kind::HostKey => "host_key",
            Kind::Privilege => "privilege",
            Kind::Unsupported => "unsupported",
            Kind::SlotMissing => "slot_missing",
            Kind::SlotAhead => "slot_ahead",
            Kind::SlotLost => "slot_lost",
            Kind::SlotUnfit => "slot_unfit",
            Kind::OtherSystem => "other_system",
            Kind::OlderTimeline => "older_timeline",
            Kind::PublicationMissing => "publication_missing",
            Kind::AlreadyRunning => "already_running",
            Kind::Fenced => "fenced",
            Kind::TableInTheWay => "table_in_the_way",
            Kind::ShapeMismatch => "shape_mismatch",
            Kind::SchemaChanged => "schema_changed",
            Kind::TableAdded => "table_added",
            Kind::TypeChanged => "type_changed",
            Kind::Diverged => "diverged",
            Kind::Refused => "refused",
            Kind::Definite => "definite",
            Kind::Protocol => "protocol",
            Kind::Spool => "spool",
            Kind::Ahead => "ahead",
            Kind::Io => "io",
            Kind::Unknown => "unknown",
        }
    }
}

/// An error with everything an operator needs: what happened, to what, and the remedy.
///
/// Boxed inside, so that results stay small.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: Kind,
    what: String,
    side: Option<Side>,
    table: Option<String>,
    lsn: Option<Lsn>,
    sqlstate: Option<String>,
    remedy: Option<String>,
}

impl Error {
    /// `what` is a sentence that starts with a capital and has no full stop.
    pub fn new(kind: Kind, what: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            kind,
            what: what.into(),
            side: None,
            table: None,
            lsn: None,
            sqlstate: None,
            remedy: None,
        }))
    }

    /// Says which database it is about, unless that is known already.
    #[must_use]
    pub fn on(mut self, side: Side) -> Self {
        self.0.side.get_or_insert(side);
        self
    }

    /// Says which table it is about, unless that is known already.
    #[must_use]
    pub fn table(mut self, table: impl fmt::Display) -> Self {
        self.0.table.get_or_insert_with(|| table.to_string());
        self
    }

    /// Says at which position it happened, unless that is known already.
    #[must_use]
    pub fn at(mut self, lsn: Lsn) -> Self {
        self.0.lsn.get_or_insert(lsn);
        self
    }

    /// The SQLSTATE that the server gave.
    #[must_use]
    pub fn with_sqlstate(mut self, sqlstate: impl Into<String>) -> Self {
        self.0.sqlstate = Some(sqlstate.into());
        self
    }

    /// What the operator should do; replaces a more general remedy.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// The same failure, seen as another kind by somebody who knows more.
    #[must_use]
    pub fn as_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The class of failure.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The sentence without its context.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// The database it is about.
    pub fn side(&self) -> Option<Side> {
        self.0.side
    }

    /// What the operator should do.
    pub fn hint(&self) -> Option<&str> {
        self.0.remedy.as_deref()
    }

    /// The SQLSTATE that the server gave, if one did.
    pub fn sqlstate(&self) -> Option<&str> {
        self.0.sqlstate.as_deref()
    }

    /// The position at which it happened.
    pub fn position(&self) -> Option<Lsn> {
        self.0.lsn
    }

    /// The table it is about.
    pub fn about_table(&self) -> Option<&str> {
        self.0.table.as_deref()
    }
}

/// One line: the sentence, then its context in brackets. The remedy is printed apart.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        let mut context = Vec::new();
        if let Some(side) = self.0.side {
            context.push(side.to_string());
        }
        if let Some(table) = &self.0.table {
            context.push(format!("table {table}"));
        }
        if let Some(lsn) = self.0.lsn {
            context.push(format!("at LSN {lsn}"));
        }
        if let Some(sqlstate) = &self.0.sqlstate {
            context.push(format!("SQLSTATE {sqlstate}"));
        }
        if context.is_empty() {
            return Ok(());
        }
        write!(f, " [{}]", context.join(", "))
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::new(Kind::Io, format!("Input or output failed: {error}"))
    }
}
