//! Names in the destination.

use std::collections::BTreeMap;

use super::section::Section;
use crate::limits::IDENTIFIER_BYTES_MAX;

/// How a source schema's name becomes a destination schema's name.
#[derive(Clone, Debug)]
pub struct Naming {
    /// `schema_prefix`: letters, digits and `_`, starts and ends with a letter.
    pub prefix: String,
    /// `[destination.schemas]`: source schema → destination schema, instead of the prefix rule.
    pub overrides: BTreeMap<String, String>,
}

impl Naming {
    /// `<prefix>_<schema>`, or the override. The caller checks the length ([`crate::limits`]).
    pub fn destination_schema(&self, source_schema: &str) -> String {
        match self.overrides.get(source_schema) {
            Some(name) => name.clone(),
            None => format!("{}_{source_schema}", self.prefix),
        }
    }

    pub(super) fn read(section: &mut Section<'_>, state_schema: &str) -> Self {
        let prefix = section
            .required("schema_prefix", "\"app\"")
            .unwrap_or_default();
        if let Some(why) = unfit_prefix(&prefix) {
            section.fault(
                "schema_prefix",
                why,
                "Use letters, digits and underscores, with a letter at both ends",
            );
        }
        let mut schemas = section.section("schemas");
        let overrides = schemas.take_names();
        let mut taken = BTreeMap::from([(state_schema, "state_schema")]);
        for (source, destination) in &overrides {
            if let Some(why) = unfit_schema(destination) {
                schemas.fault(source, why, "Choose another name for the schema");
            } else if let Some(other) = taken.insert(destination, source) {
                let what = format!("names {destination:?}, as {other} does");
                schemas.fault(source, what, "Give each its own schema");
            }
        }
        Naming { prefix, overrides }
    }
}

fn unfit_prefix(prefix: &str) -> Option<&'static str> {
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    if prefix.is_empty() {
        // missing, which has been said
        None
    } else if !prefix
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_')
    {
        Some("may hold only letters, digits and underscores")
    } else if !letter(prefix.chars().next()) || !letter(prefix.chars().last()) {
        Some("must start and end with a letter")
    } else if prefix == "pg" || prefix.starts_with("pg_") {
        Some("would make names that start with pg_, which PostgreSQL keeps for itself")
    } else if prefix.len() + 2 > IDENTIFIER_BYTES_MAX {
        Some("leaves no room for a schema's name within 63 bytes")
    } else {
        None
    }
}

/// Why a schema cannot have this name; goes on where the key ended.
pub(super) fn unfit_schema(name: &str) -> Option<&'static str> {
    if name.starts_with("pg_") || name == "information_schema" {
        return Some("names a schema that PostgreSQL keeps for itself");
    }
    unfit_identifier(name)
}

/// Why nothing in PostgreSQL can have this name; goes on where the key ended.
pub(super) fn unfit_identifier(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > IDENTIFIER_BYTES_MAX {
        Some("is longer than the 63 bytes that PostgreSQL keeps of a name")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_letters_at_both_ends_and_leaves_room() {
        for good in ["a", "app", "App2b", "a_b"] {
            assert_eq!(unfit_prefix(good), None, "{good}");
        }
        let long = "a".repeat(62);
        for bad in [
            "1a", "a1", "_a", "a_", "a-b", "a b", "ä", "pg", "pg_x", &long,
        ] {
            assert!(unfit_prefix(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn an_override_replaces_the_prefix_rule() {
        let naming = Naming {
            prefix: "app".to_owned(),
            overrides: [("public".to_owned(), "crm".to_owned())].into(),
        };
        assert_eq!(naming.destination_schema("public"), "crm");
        assert_eq!(naming.destination_schema("sales"), "app_sales");
    }
}
