//! The only maker of statement text.
//!
//! Names and literals reach a statement through [`Ident`], [`Name`] and [`Literal`] and nothing
//! else, so that no catalog, however hostile, can add to a statement. Statements are functions in
//! the files of this folder, or `.sql` files read at compile time.

pub mod apply;
pub mod ask;
pub mod checkpoint;
pub mod load;
pub mod probe;
pub mod remedy;
pub mod replication;
pub mod reshape;
pub mod session;
pub mod setup;
pub mod teardown;
pub mod types;
pub mod watch;

use std::fmt;

use crate::catalog::TableName;

/// A quoted identifier. The name comes from a catalog or the configuration, where NUL cannot occur.
pub struct Ident<'a>(pub &'a str);

impl fmt::Display for Ident<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&postgres_protocol::escape::escape_identifier(self.0))
    }
}

/// A quoted, schema-qualified name.
pub struct Name<'a>(pub &'a TableName);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", Ident(&self.0.schema), Ident(&self.0.name))
    }
}

/// A quoted string literal, right whatever `standard_conforming_strings` says.
pub struct Literal<'a>(pub &'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(postgres_protocol::escape::escape_literal(self.0).trim_start())
    }
}

/// Quoted identifiers with commas between.
pub fn ident_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names
        .into_iter()
        .map(|name| Ident(name).to_string())
        .collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_and_literals_cannot_be_left() {
        assert_eq!(
            Ident("a\"; DROP TABLE b; --").to_string(),
            "\"a\"\"; DROP TABLE b; --\""
        );
        assert_eq!(Literal("it's").to_string(), "'it''s'");
        assert_eq!(Literal("a\\'b").to_string(), "E'a\\\\''b'");
    }
}
