//! Errors that a server sent, or that tokio-postgres found on the way to it.
//!
//! A server's message may quote a row: "invalid input syntax for type integer: …", or whatever a
//! trigger raises, which may choose any SQLSTATE for it. DETAIL, HINT and CONTEXT do so routinely
//! and are never used. The message is kept for the classes where the server itself names objects,
//! rights and resources, unless it comes from the source code of a procedural language; else the
//! SQLSTATE has to do. Syntax errors are withheld too: types such as `tsquery`, `jsonpath` and
//! `hstore` call what they cannot read so. Not seen through: a function in C, or in a language that
//! raises from files of other names, that quotes a row under the SQLSTATE of another fault; and a
//! row that itself names an object (`regclass`), which the server calls unknown.

use super::{Error, Kind, Side};
use crate::catalog::TableName;
use crate::sql::remedy;

/// The parts of an `ErrorResponse` that may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// Five characters, see PostgreSQL's appendix "Error Codes".
    pub sqlstate: String,
    /// The primary message; may quote a value, see [`ServerError::into_error`].
    pub message: String,
    /// The file of the server's source that raised it; of no use but to know who speaks.
    pub file: Option<String>,
    /// The constraint that was violated, if one was.
    pub constraint: Option<String>,
    /// The table the server names, as `schema.table`.
    pub table: Option<String>,
}

impl ServerError {
    /// The error to report; `doing` completes "Could not …".
    pub fn into_error(self, side: Side, doing: &str) -> Error {
        let kind = kind_of(&self.sqlstate);
        let spoken_by_a_function = self.file.as_deref().is_some_and(is_of_a_language);
        let said = if spoken_by_a_function || may_quote_a_value(&self.sqlstate) {
            "the server's message is withheld, since it may quote a row value".to_owned()
        } else {
            self.message
        };
        let constraint = self
            .constraint
            .map(|name| format!(" (constraint \"{name}\")"))
            .unwrap_or_default();
        let mut error = Error::new(kind, format!("Could not {doing}: {said}{constraint}"))
            .on(side)
            .with_sqlstate(&self.sqlstate);
        if let Some(table) = self.table {
            error = error.table(table);
        }
        match remedy_for(&self.sqlstate) {
            Some(remedy) => error.remedy(remedy),
            None => error,
        }
    }
}

/// Makes the error to report of one that tokio-postgres returned; `doing` completes "Could not …".
pub fn from_client(side: Side, doing: &str, error: &tokio_postgres::Error) -> Error {
    if let Some(server) = error.as_db_error() {
        let table = server.table().map(|table| match server.schema() {
            Some(schema) => format!("{schema}.{table}"),
            None => table.to_owned(),
        });
        return ServerError {
            sqlstate: server.code().code().to_owned(),
            message: server.message().to_owned(),
            file: server.file().map(str::to_owned),
            constraint: server.constraint().map(str::to_owned),
            table,
        }
        .into_error(side, doing);
    }
    let kind = if error.is_closed() || caused_by_io(error) {
        Kind::ConnectionLost
    } else {
        Kind::Unknown
    };
    Error::new(kind, format!("Could not {doing}: {}", with_causes(error))).on(side)
}

/// `invalid_text_representation`: a label or an attribute that a type does not know.
pub const VALUE_UNKNOWN: &str = "22P02";

impl Error {
    /// The destination did not understand a value: its type is not what the source's has become.
    #[must_use]
    pub fn or_schema_changed(self) -> Self {
        if self.sqlstate() != Some(VALUE_UNKNOWN) {
            return self;
        }
        self.as_kind(Kind::SchemaChanged).remedy(
            "A type of the source was changed in a way that cannot be followed, or its copy was \
             changed by hand. Make both types the same, then start walferry again; nothing of \
             this batch was committed.",
        )
    }
}

/// `insufficient_privilege`, also of statements that a policy would apply to.
const PRIVILEGE: &str = "42501";

impl Error {
    /// A statement on this copy failed: says so, and which rights may be missing there.
    #[must_use]
    pub fn on_copy(self, copy: &TableName) -> Self {
        let error = self.table(copy);
        if error.sqlstate() != Some(PRIVILEGE) {
            return error;
        }
        error.remedy(format!(
            "walferry's role lacks a right on the copy, or row-level security applies to it there, \
             which would hide rows from it. `walferry check` tells which. Against the second: {} \
             Or give the role BYPASSRLS.",
            remedy::disable_row_security(copy)
        ))
    }
}

/// An error and what caused it, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

fn caused_by_io(error: &tokio_postgres::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<std::io::Error>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

fn kind_of(sqlstate: &str) -> Kind {
    match sqlstate {
        PRIVILEGE => Kind::Privilege,
        "55006" => Kind::SlotInUse,
        // 57014, query_canceled, is somebody's pg_cancel_backend or a time-out: worth another try
        "40001" | "40P01" | "55P03" | "57014" => Kind::Contention,
        // read-only: during a failover the address may lead to a standby for a while
        "25006" => Kind::ServerBusy,
        "3D000" => Kind::Definite,
        _ => match sqlstate.get(..2).unwrap_or_default() {
            "08" => Kind::ConnectionLost,
            "28" => Kind::Authentication,
            "53" | "57" | "58" => Kind::ServerBusy,
            "23" | "27" | "44" | "09" | "P0" => Kind::Refused,
            "0A" | "22" | "3D" | "3F" | "42" | "54" | "55" => Kind::Definite,
            _ => Kind::Unknown,
        },
    }
}

/// `syntax_error`
const SYNTAX: &str = "42601";

/// All but the classes of PostgreSQL's appendix whose messages name objects, rights and resources.
fn may_quote_a_value(sqlstate: &str) -> bool {
    sqlstate == SYNTAX
        || !matches!(
            sqlstate.get(..2).unwrap_or_default(),
            "08" | "0A"
                | "23"
                | "25"
                | "26"
                | "27"
                | "28"
                | "2B"
                | "34"
                | "3B"
                | "3D"
                | "3F"
                | "40"
                | "42"
                | "44"
                | "53"
                | "54"
                | "55"
                | "57"
                | "58"
        )
}

/// `pl_exec.c`, `plperl.c`, `plpy_elog.c`, `pltcl.c`, `plv8.cc`: what a function raises comes from
/// there, with any SQLSTATE. The planner's files are the only others that begin so.
fn is_of_a_language(file: &str) -> bool {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.starts_with("pl") && !name.starts_with("plan")
}

fn remedy_for(sqlstate: &str) -> Option<&'static str> {
    Some(match sqlstate {
        "28P01" => "Check the user and the password of this side in the configuration.",
        "28000" => {
            "The server has no pg_hba.conf rule that admits this user, database, address and TLS \
             mode, or the role may not log in; `walferry setup-sql` prints what is needed."
        }
        "3D000" => "Check `database` of this side in the configuration.",
        PRIVILEGE => {
            "Run `walferry setup-sql` and have the printed grants applied, then `walferry check`."
        }
        "53300" => "Raise max_connections, or free connections of this role.",
        "53200" => {
            "The server ran out of memory. Where it ran out of shared memory, raise its \
             max_locks_per_transaction: a transaction locks each table that it changes and the \
             indexes of it."
        }
        "53100" => "Free disk space on the server; walferry goes on by itself.",
        "25006" => {
            "The session is read-only: the server is a standby or default_transaction_read_only is \
             on. Connect to the primary."
        }
        "55P03" => {
            "Another session holds, or waits for, a lock that is in the way: wait until its \
             transaction ends, or find it in pg_locks and end it."
        }
        "53400" => "Raise max_replication_slots on the source, or drop a slot that nobody reads.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(sqlstate: &str, message: &str) -> ServerError {
        ServerError {
            sqlstate: sqlstate.to_owned(),
            message: message.to_owned(),
            ..ServerError::default()
        }
    }

    #[test]
    fn a_message_that_may_quote_a_row_is_withheld() {
        for sqlstate in [
            "22P02", "22001", "P0001", "XX000", "45000", "HV000", "42601", "",
        ] {
            let error = server(sqlstate, "invalid input: \"canary\"")
                .into_error(Side::Destination, "apply a batch");
            assert!(!error.to_string().contains("canary"), "{error}");
            assert!(error.to_string().contains(sqlstate), "{error}");
        }
    }

    #[test]
    fn what_a_function_raises_is_withheld_whatever_it_calls_itself() {
        for (file, withheld) in [
            ("pl_exec.c", true),
            ("./build/../src/pl/plpython/plpy_elog.c", true),
            ("plancat.c", false),
            ("execMain.c", false),
        ] {
            let mut error = server("23514", "bad: canary");
            error.file = Some(file.to_owned());
            let error = error.into_error(Side::Destination, "apply a batch");
            assert_eq!(error.to_string().contains("canary"), !withheld, "{file}");
        }
    }

    #[test]
    fn a_missing_right_names_the_object_and_the_way_out() {
        let error = server("42501", "permission denied for table users")
            .into_error(Side::Source, "read the table");
        assert_eq!(error.kind(), Kind::Privilege);
        assert!(
            error
                .to_string()
                .contains("permission denied for table users")
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("setup-sql")));
    }
}
