//! Columns that are not copied as they are.

use super::endpoint;
use super::section::Section;
use super::selection::{Glob, Pattern};
use crate::transport::Secret;

/// `[tables] exclude_columns`, `mask_columns`, `hash_columns` and `hash_salt`.
#[derive(Clone, Debug, Default)]
pub struct Protect {
    rules: Vec<Rule>,
    salt: Option<Secret>,
}

/// What becomes of columns that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The destination never has them.
    Exclude,
    /// Every value becomes this one; `None` is NULL.
    Mask(Option<String>),
    /// Every value becomes a salted hash of it.
    Hash,
}

/// One pattern.
#[derive(Clone, Debug)]
pub struct Rule {
    /// As it was written, with its key: `hash_columns "public.users.ssn"`.
    pub shown: String,
    table: Pattern,
    column: Glob,
    wish: Wish,
}

impl Rule {
    /// Whether it is about this column.
    pub fn matches(&self, schema: &str, table: &str, column: &str) -> bool {
        self.table.matches(schema, table) && self.column.matches(column)
    }
}

const SALT: &str = "hash_salt";

impl Protect {
    /// All columns are copied as they are.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// All patterns: those of `exclude_columns`, then `mask_columns`, then `hash_columns`.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What is to become of a column; excluding wins over masking, and that over hashing.
    pub fn wish(&self, schema: &str, table: &str, column: &str) -> Option<&Wish> {
        let mut rules = self.rules.iter();
        rules
            .find(|rule| rule.matches(schema, table, column))
            .map(|rule| &rule.wish)
    }

    /// Where the salt of hashes comes from.
    pub fn salt(&self) -> Option<&Secret> {
        self.salt.as_ref()
    }

    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let mut rules = Vec::new();
        for key in ["exclude_columns", "mask_columns", "hash_columns"] {
            for text in section.list(key).unwrap_or_default() {
                match parse(key, &text) {
                    Ok((table, column, wish)) => rules.push(Rule {
                        shown: format!("{key} {text:?}"),
                        table,
                        column,
                        wish,
                    }),
                    Err(why) => section.fault(
                        key,
                        format!("has the pattern {text:?}, which {why}"),
                        "Write schema.table.column, with * for any run of characters, and names \
                         that hold a dot in double quotes: 'public.users.\"e.mail\"'",
                    ),
                }
            }
        }
        let salt = endpoint::secret(section, SALT);
        let hashes = rules.iter().any(|rule| rule.wish == Wish::Hash);
        if hashes && salt.is_none() {
            let what = "is missing, and hash_columns needs it";
            section.fault(
                SALT,
                what,
                "Make a secret of 32 random bytes, as `openssl rand -hex 32` prints one, and name \
                 its file as hash_salt_file",
            );
        }
        Protect { rules, salt }
    }
}

/// Of `mask_columns`, what follows `=` is the value that takes the place of all others.
fn parse(key: &str, text: &str) -> Result<(Pattern, Glob, Wish), &'static str> {
    let (table, rest) = Pattern::parse_half(text)?;
    let Some(rest) = rest.strip_prefix('.') else {
        return Err("has no dot between table and column");
    };
    // within quotes an equals sign is part of the name
    let name = match rest.find('=') {
        Some(at) if !rest.starts_with('"') => rest[..at].trim_end(),
        _ => rest,
    };
    let (column, after) = Glob::parse(name)?;
    let after = if name.len() < rest.len() && !after.is_empty() {
        return Err("goes on after the column's name");
    } else {
        &rest[name.len() - after.len()..]
    };
    let wish = match (key, after.trim_start().strip_prefix('=')) {
        ("mask_columns", Some(value)) => {
            Wish::Mask(Some(value.strip_prefix(' ').unwrap_or(value).to_owned()))
        }
        _ if !after.is_empty() => return Err("goes on after the column's name"),
        ("mask_columns", None) => Wish::Mask(None),
        ("hash_columns", None) => Wish::Hash,
        _ => Wish::Exclude,
    };
    Ok((table, column, wish))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(key: &str, text: &str) -> Result<Wish, &'static str> {
        parse(key, text).map(|(_, _, wish)| wish)
    }

    #[test]
    fn a_mask_is_null_or_what_follows_the_equals_sign() {
        let mask = |text| wish("mask_columns", text);
        let value = |text: &str| Ok(Wish::Mask(Some(text.to_owned())));
        assert_eq!(mask("public.users.name"), Ok(Wish::Mask(None)));
        assert_eq!(mask("public.users.name = hidden"), value("hidden"));
        assert_eq!(mask("public.users.name ="), value(""));
        assert_eq!(mask("*.*.n = a.b = \"c\""), value("a.b = \"c\""));
        assert_eq!(mask("public.users.\"a = b\" = x"), value("x"));
        assert_eq!(mask("public.users.\"a = b\""), Ok(Wish::Mask(None)));
        assert!(mask("public.users.a.b = c").is_err());
        assert_eq!(mask("public.users.name=x"), value("x"));
        assert!(mask("public.users.\"a\"b = c").is_err());
        assert!(wish("hash_columns", "public.users.a = b").is_err());
        assert!(wish("hash_columns", "public.users.\"a\" = b").is_err());
    }

    #[test]
    fn a_pattern_has_three_parts() {
        let is_bad = |text| wish("hash_columns", text).is_err();
        assert!(is_bad("users"));
        assert!(is_bad("public.users"));
        assert!(is_bad("public.users."));
        assert!(is_bad("public.users.a.b"));
        assert!(is_bad("public.users.\"a"));
        let (table, column, _) = parse("exclude_columns", "\"a.b\".*_log.internal_*").unwrap();
        let hits = |s, t, c| table.matches(s, t) && column.matches(c);
        assert!(hits("a.b", "audit_log", "internal_note"));
        assert!(!hits("a.b", "audit_log", "note"));
        assert!(!hits("a", "audit_log", "internal_note"));
    }
}
