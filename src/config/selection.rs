//! Which tables are wanted.

use super::section::Section;
use crate::error::{Error, Kind, Result};

/// `[tables]`: which tables are wanted; patterns are checked at load time.
#[derive(Clone, Debug)]
pub struct Selection {
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
}

impl Selection {
    /// Makes a selection of patterns as the configuration has them; [`Kind::Config`] for a bad one.
    pub fn new(include: &[&str], exclude: &[&str]) -> Result<Self> {
        let parse = |texts: &[&str]| -> Result<Vec<Pattern>> {
            let pattern = |text: &&str| {
                Pattern::parse(text).map_err(|why| {
                    Error::new(Kind::Config, format!("The table pattern {text:?} {why}"))
                })
            };
            texts.iter().map(pattern).collect()
        };
        Ok(Selection {
            include: parse(include)?,
            exclude: parse(exclude)?,
        })
    }

    /// Whether `schema.table` is wanted: matches an include pattern and no exclude pattern.
    pub fn selects(&self, schema: &str, table: &str) -> bool {
        let hit = |patterns: &[Pattern]| patterns.iter().any(|p| p.matches(schema, table));
        hit(&self.include) && !hit(&self.exclude)
    }

    /// The patterns of `include`, in the order in which they were written.
    pub fn include(&self) -> impl Iterator<Item = &Pattern> {
        self.include.iter()
    }

    /// The patterns of `exclude`, likewise.
    pub fn exclude(&self) -> impl Iterator<Item = &Pattern> {
        self.exclude.iter()
    }

    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let include = section
            .list("include")
            .unwrap_or_else(|| vec!["*.*".to_owned()]);
        if include.is_empty() {
            let remedy = "Write include = [\"*.*\"] for all tables";
            section.fault("include", "selects no table", remedy);
        }
        let exclude = section.list("exclude").unwrap_or_default();
        Selection {
            include: patterns(section, "include", &include),
            exclude: patterns(section, "exclude", &exclude),
        }
    }
}

fn patterns(section: &Section<'_>, key: &str, texts: &[String]) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for text in texts {
        match Pattern::parse(text) {
            Ok(pattern) => patterns.push(pattern),
            Err(why) => section.fault(
                key,
                format!("has the pattern {text:?}, which {why}"),
                "Write schema.table, with * for any run of characters, and names that hold a dot \
                 in double quotes: '\"my.schema\".*'",
            ),
        }
    }
    patterns
}

/// `schema.table`, where `*` in either half stands for any run of characters. Letters count as
/// they are: `Users` is not `users`.
#[derive(Clone, Debug)]
pub struct Pattern {
    schema: Glob,
    table: Glob,
}

impl Pattern {
    /// The half before the dot.
    pub fn schema(&self) -> &Glob {
        &self.schema
    }

    /// The half after the dot.
    pub fn table(&self) -> &Glob {
        &self.table
    }

    /// The error goes on where the pattern ended: "has no dot …".
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (pattern, rest) = Pattern::parse_half(text)?;
        if !rest.is_empty() {
            return Err("goes on after the table's name");
        }
        Ok(pattern)
    }

    /// Takes the pattern off the beginning of `text`; the second part is what follows it.
    pub(super) fn parse_half(text: &str) -> Result<(Self, &str), &'static str> {
        let (schema, rest) = Glob::parse(text)?;
        let Some(rest) = rest.strip_prefix('.') else {
            return Err("has no dot between schema and table");
        };
        let (table, rest) = Glob::parse(rest)?;
        Ok((Pattern { schema, table }, rest))
    }

    pub(super) fn matches(&self, schema: &str, table: &str) -> bool {
        self.schema.matches(schema) && self.table.matches(table)
    }
}

/// What stands between the stars; one piece means that there is no star.
#[derive(Clone, Debug)]
pub struct Glob(Vec<String>);

impl Glob {
    /// The one name it matches; `None` when it has a star.
    pub fn exact(&self) -> Option<&str> {
        match self.0.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }

    /// What stands between the stars; a single piece has none.
    pub fn pieces(&self) -> &[String] {
        &self.0
    }

    /// Takes one half off `text`; the second part is what follows it.
    pub(super) fn parse(text: &str) -> Result<(Self, &str), &'static str> {
        if let Some(quoted) = text.strip_prefix('"') {
            return Glob::parse_quoted(quoted);
        }
        let (half, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        if half.is_empty() {
            return Err("has an empty half");
        }
        if half.contains('"') {
            return Err("has a quote in the middle of a name");
        }
        let pieces = half.split('*').map(str::to_owned).collect();
        Ok((Glob(pieces), rest))
    }

    /// Within quotes everything stands for itself, and a quote is written twice.
    fn parse_quoted(text: &str) -> Result<(Self, &str), &'static str> {
        let mut name = String::new();
        let mut rest = text;
        loop {
            let Some((before, after)) = rest.split_once('"') else {
                return Err("has a quote that is not closed");
            };
            name.push_str(before);
            match after.strip_prefix('"') {
                Some(after) => {
                    name.push('"');
                    rest = after;
                }
                None if name.is_empty() => return Err("has an empty half"),
                None => return Ok((Glob(vec![name]), after)),
            }
        }
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else {
            return self.0.first().is_some_and(|whole| whole == name);
        };
        let Some(mut rest) = name.strip_prefix(first.as_str()) else {
            return false;
        };
        for piece in middle {
            // the earliest place leaves the most for the pieces after it
            let Some(at) = rest.find(piece.as_str()) else {
                return false;
            };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(pattern: &str, schema: &str, table: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(schema, table)
    }

    #[test]
    fn a_star_stands_for_any_run_in_its_half() {
        assert!(hits("*.*", "public", "users"));
        assert!(hits("public.user*", "public", "users"));
        assert!(hits("public.*_log", "public", "audit_log"));
        assert!(hits("p*c.a*b*c", "public", "a1b22c"));
        assert!(hits("public.**", "public", "x"));
        assert!(!hits("public.a*a", "public", "a"));
        assert!(!hits("public.users", "public", "users2"));
        assert!(!hits("public.users", "other", "users"));
        assert!(!hits("public.Users", "public", "users"));
    }

    #[test]
    fn quoted_names_may_hold_dots_quotes_and_stars() {
        assert!(hits("\"my.schema\".t", "my.schema", "t"));
        assert!(hits("\"say \"\"hi\"\"\".*", "say \"hi\"", "t"));
        assert!(hits("public.\"*\"", "public", "*"));
        assert!(!hits("public.\"*\"", "public", "x"));
        assert!(hits("schöma.täb*", "schöma", "täbelle"));
    }

    #[test]
    fn patterns_that_cannot_be_read_say_why() {
        for bad in [
            "users", "", ".", "a.", ".b", "a.b.c", "\"a.b", "a\"b.c", "\"\".x",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn exclude_wins_over_include() {
        let selection = Selection::new(&["public.*"], &["public.tmp_*"]).unwrap();
        assert!(selection.selects("public", "users"));
        assert!(!selection.selects("public", "tmp_1"));
        assert!(!selection.selects("other", "users"));
    }
}
