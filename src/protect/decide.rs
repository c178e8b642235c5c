//! Patterns → what becomes of each column of a table.

use std::collections::HashSet;

use secrecy::ExposeSecret;

use super::{COMPUTED, Hasher, IGNORED, ProtectedColumn, Protection, Reason, Recorded, Treatment};
use crate::catalog::TableName;
use crate::catalog::source::{ShapeColumn, SourceTable};
use crate::catalog::types::TEXT;
use crate::config::{Config, Protect, SchemaChanges, Wish};
use crate::error::{Error, Kind, Result};
use crate::limits::SALT_BYTES_MIN;

/// Decides, by the configuration and its salt.
#[derive(Clone, Debug, Default)]
pub struct Protector {
    rules: Protect,
    hasher: Option<Hasher>,
    ignores_new: bool,
}

/// What is known of a table that was loaded.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before<'b> {
    /// What was protected.
    pub recorded: &'b [Recorded],
    /// The columns that are followed, where it matters which of them are new.
    pub columns: Option<&'b [ShapeColumn]>,
}

impl Protector {
    /// Reads the salt. Fails as reading a password does, and with [`Kind::Config`] when the salt
    /// is too short to keep anybody from trying all values.
    pub async fn new(config: &Config) -> Result<Self> {
        let rules = config.protect.clone();
        let hasher = match rules.salt() {
            None => None,
            Some(salt) => {
                let salt = salt.read("salt").await?;
                let bytes = salt.expose_secret().as_bytes();
                if bytes.len() < SALT_BYTES_MIN {
                    let what = format!("The salt of [tables] has less than {SALT_BYTES_MIN} bytes");
                    let remedy = "Make another one, as `openssl rand -hex 32` prints it: with a \
                                  short one, hashes can be undone by trying.";
                    return Err(Error::new(Kind::Config, what).remedy(remedy));
                }
                Some(Hasher::new(bytes))
            }
        };
        Ok(Protector {
            rules,
            hasher,
            ignores_new: ignores_new(config),
        })
    }

    /// Without a salt: hashes come out under one that nobody uses, for looking at names alone.
    pub fn for_names(config: &Config) -> Self {
        Protector {
            rules: config.protect.clone(),
            hasher: Some(Hasher::new(b"")),
            ignores_new: ignores_new(config),
        }
    }

    /// Decides on the columns of a table: from here on it has the types that its copy gets.
    /// `before` is what is known of it.
    pub fn protect(&self, table: &mut SourceTable, before: Before<'_>) {
        if self.rules.is_empty() && before.recorded.is_empty() && !self.ignores_new {
            return;
        }
        let mut protection = Protection::default();
        for column in &table.columns {
            let Some((treatment, matched, reason)) =
                self.treatment(table, column.attnum, &column.name, before)
            else {
                continue;
            };
            // a copy computes it by itself
            let treatment = match column.generated {
                Some(_) => Treatment::LeaveOut,
                None => treatment,
            };
            protection.columns.insert(
                column.attnum,
                ProtectedColumn {
                    treatment,
                    matched,
                    reason,
                    is_sent: false,
                },
            );
        }
        leave_out_computed(table, &mut protection);
        for (at, column) in table.columns.iter_mut().enumerate() {
            let Some(protected) = protection.columns.get_mut(&column.attnum) else {
                continue;
            };
            protected.is_sent = table.published_columns.contains(&at);
            if protected.treatment.makes_text() || protected.treatment == Treatment::LeaveOut {
                column.type_oid = TEXT;
                column.type_modifier = -1;
                "text".clone_into(&mut column.type_name);
                column.type_is_builtin = true;
            }
            if protected.treatment == Treatment::LeaveOut {
                column.generated = None;
                table.published_columns.retain(|sent| *sent != at);
            }
        }
        table.protection = protection;
    }

    /// What holds for rows of a table that is gone by now.
    pub fn of_gone(&self, recorded: &[Recorded]) -> Protection {
        let columns = recorded.iter().map(|was| {
            let [schema, table, column] = &was.matched;
            let treatment = match self.rules.wish(schema, table, column) {
                Some(wish) if was.treatment != COMPUTED => self.carry_out(wish),
                // never more than there was
                _ => Treatment::LeaveOut,
            };
            let protected = ProtectedColumn {
                treatment,
                matched: was.matched.clone(),
                reason: Reason::Named,
                is_sent: true,
            };
            (was.attnum, protected)
        });
        Protection {
            columns: columns.collect(),
        }
    }

    /// The patterns that match no column of these tables.
    pub fn idle_rules<'r>(&'r self, tables: &[SourceTable]) -> Vec<&'r str> {
        let rules = self.rules.rules().iter();
        let idle = rules.filter(|rule| {
            !tables.iter().any(|table| {
                let mut columns = table.columns.iter();
                columns.any(|column| {
                    names(table).any(|name| rule.matches(&name.schema, &name.name, &column.name))
                })
            })
        });
        idle.map(|rule| rule.shown.as_str()).collect()
    }

    fn treatment(
        &self,
        table: &SourceTable,
        attnum: i16,
        column: &str,
        before: Before<'_>,
    ) -> Option<(Treatment, [String; 3], Reason)> {
        for name in names(table) {
            if let Some(wish) = self.rules.wish(&name.schema, &name.name, column) {
                let matched = [&name.schema, &name.name, column].map(str::to_owned);
                return Some((self.carry_out(wish), matched, Reason::Named));
            }
        }
        let was = before.recorded.iter().find(|was| was.attnum == attnum);
        let ignored = was.filter(|was| was.treatment == IGNORED);
        if ignored.is_some() || before.is_new(attnum) {
            let is_left_out = self.ignores_new && !is_of_key(table, attnum);
            return is_left_out.then(|| {
                let now = [&table.name.schema, &table.name.name, column].map(str::to_owned);
                let matched = ignored.map_or(now, |was| was.matched.clone());
                (Treatment::LeaveOut, matched, Reason::Ignored)
            });
        }
        let was = was?;
        if was.treatment == COMPUTED {
            // it was computed from a protected column, and its values still are
            let is_computed = table.computed_from.contains_key(&attnum);
            return (!is_computed)
                .then(|| (Treatment::LeaveOut, was.matched.clone(), Reason::Computed));
        }
        let [schema, name, column] = &was.matched;
        let wish = self.rules.wish(schema, name, column)?;
        Some((self.carry_out(wish), was.matched.clone(), Reason::Renamed))
    }

    fn carry_out(&self, wish: &Wish) -> Treatment {
        match (wish, &self.hasher) {
            (Wish::Mask(value), _) => Treatment::Mask(value.as_deref().map(Into::into)),
            (Wish::Hash, Some(hasher)) => Treatment::Hash(hasher.clone()),
            // the configuration has a salt where it has patterns to hash
            (Wish::Exclude, _) | (Wish::Hash, None) => Treatment::LeaveOut,
        }
    }
}

fn ignores_new(config: &Config) -> bool {
    config.schema_changes == SchemaChanges::Ignore
}

impl Before<'_> {
    fn is_new(self, attnum: i16) -> bool {
        let columns = self.columns.filter(|columns| !columns.is_empty());
        columns.is_some_and(|columns| columns.iter().all(|column| column.attnum != attnum))
    }
}

/// Rows are found by the column.
fn is_of_key(table: &SourceTable, attnum: i16) -> bool {
    let mut keys = table.primary_key.iter().chain(&table.identity_key);
    keys.any(|at| table.columns[*at].attnum == attnum)
}

/// A table goes by its own name and by those of the tables above it.
fn names(table: &SourceTable) -> impl Iterator<Item = &TableName> {
    std::iter::once(&table.name).chain(&table.ancestors)
}

/// Generated columns whose sources are not copied as they are. One may be computed from another
/// that way on no server yet; the loop costs nothing.
fn leave_out_computed(table: &SourceTable, protection: &mut Protection) {
    loop {
        let protected: HashSet<i16> = protection.columns.keys().copied().collect();
        let is_next = |attnum: &i16, sources: &[i16]| {
            !protected.contains(attnum) && sources.iter().any(|from| protected.contains(from))
        };
        let next = table.computed_from.iter();
        let next = next.filter(|(attnum, sources)| is_next(attnum, sources));
        let next: Vec<i16> = next.map(|(attnum, _)| *attnum).collect();
        if next.is_empty() {
            return;
        }
        for attnum in next {
            let column = table.columns.iter().find(|column| column.attnum == attnum);
            let name = column.map_or_else(String::new, |column| column.name.clone());
            let protected = ProtectedColumn {
                treatment: Treatment::LeaveOut,
                matched: [table.name.schema.clone(), table.name.name.clone(), name],
                reason: Reason::Computed,
                is_sent: false,
            };
            protection.columns.insert(attnum, protected);
        }
    }
}

/// A treatment is one of a sort.
type IsOne = fn(&Treatment) -> bool;

/// What becomes of a table's columns, for people: `hashed: a, b`, and so on; only what there is.
pub fn listed(table: &SourceTable) -> Vec<String> {
    let name = |attnum: i16| {
        let mut columns = table.columns.iter();
        let column = columns.find(|column| column.attnum == attnum);
        column.map_or("", |column| column.name.as_str())
    };
    let sorts: [(&str, IsOne); 3] = [
        ("hashed", |one| matches!(one, Treatment::Hash(_))),
        ("masked", |one| matches!(one, Treatment::Mask(_))),
        ("left out", |one| *one == Treatment::LeaveOut),
    ];
    let mut listed = Vec::new();
    for (word, is_one) in sorts {
        let columns = table.protection.columns();
        let names: Vec<&str> = columns
            .filter(|(_, column)| is_one(&column.treatment))
            .map(|(attnum, _)| name(attnum))
            .collect();
        if !names.is_empty() {
            listed.push(format!("{word}: {}", names.join(", ")));
        }
    }
    listed
}
