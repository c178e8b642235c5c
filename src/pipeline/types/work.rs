//! What makes the destination's types those of the source.

use std::collections::HashSet;

use super::by_oid;
use crate::catalog::TypeName;
use crate::catalog::source::SourceTable;
use crate::catalog::types::{self, Change, Definition, Label, Recorded, Sort, Types, definitions};
use crate::checkpoint::{RecordedType, Writer};
use crate::error::{Error, Kind, Result, Side};
use crate::limits::IDENTIFIER_BYTES_MAX;
use crate::sql;

/// What is to be done in the destination.
#[derive(Default)]
pub(super) struct Work<'t> {
    /// With the type that each is about.
    pub(super) statements: Vec<(TypeName, String)>,
    /// What is to be remembered then.
    pub(super) records: Vec<RecordedType>,
    /// There is more, for which it is too early.
    pub(super) is_due: bool,
    /// Types of the source whose copies are set aside.
    aside: HashSet<u32>,
    /// Tables have to be loaded again before the copy of this type can be set aside.
    pub(super) in_use: Option<&'t Definition>,
}

/// Decides what is to be done so that the copies are what the source has; `loaded` are the tables
/// that keep the columns that they have.
pub(super) async fn work<'t>(
    writer: &Writer,
    types: &'t Types,
    recorded: &[RecordedType],
    loaded: &[&SourceTable],
    may_mend: bool,
) -> Result<Work<'t>> {
    let made = types.made();
    let there: Vec<u32> = made
        .iter()
        .filter_map(|(_, name)| types.exists(name))
        .collect();
    let there = definitions(writer.client(), Side::Destination, &there).await?;
    let known = by_oid(recorded);
    let mut work = Work::default();
    for (source, name) in made {
        let existing = types.exists(name).and_then(|oid| there.get(&oid));
        let known = known.get(&source.oid);
        let Some(existing) = existing else {
            work.make(types, source, name)?;
            continue;
        };
        let changes = match types.changes(source, existing, known) {
            Ok(_) if work.is_of_one_set_aside(types, source) => Err("its parts are others".into()),
            changes => changes,
        };
        let changes = match changes {
            Ok(changes) => changes,
            Err(why) if !can_be_set_aside(recorded, source, name) => {
                return Err(different(name, &why));
            }
            Err(_) => {
                if loaded.iter().any(|table| has(types, table, source.oid)) {
                    work.in_use = Some(source);
                    return Ok(work);
                }
                work.set_aside(existing, name);
                work.make(types, source, name)?;
                work.aside.insert(source.oid);
                continue;
            }
        };
        work.change(source, name, known, changes, may_mend);
    }
    Ok(work)
}

/// walferry made the copy, and can give it another name: that of a range would leave its functions
/// behind, which the next one has to have.
pub(in crate::pipeline) fn can_be_set_aside(
    recorded: &[RecordedType],
    source: &Definition,
    name: &TypeName,
) -> bool {
    let mut recorded = recorded.iter();
    source.sort != Sort::Range && recorded.any(|known| known.made && known.name == *name)
}

/// A column of the table has to do with the type.
pub(super) fn has(types: &Types, table: &SourceTable, oid: u32) -> bool {
    let mut columns = table.columns.iter();
    columns.any(|column| {
        types.holds(column.type_oid, column.type_modifier, &|part, _| {
            part == oid
        })
    })
}

impl Work<'_> {
    fn is_of_one_set_aside(&self, types: &Types, source: &Definition) -> bool {
        types.holds(source.oid, -1, &|part, _| self.aside.contains(&part))
    }

    fn make(&mut self, types: &Types, source: &Definition, name: &TypeName) -> Result<()> {
        let create = create(types, source, name)?;
        self.statements.push((name.clone(), create));
        let made = record(source.oid, name, true, members(source));
        self.records.push(made);
        Ok(())
    }

    /// Gives a copy a name that nobody else has: it is nobody's copy from now on.
    fn set_aside(&mut self, existing: &Definition, name: &TypeName) {
        let suffix = format!("_before_{}", existing.oid);
        let room = IDENTIFIER_BYTES_MAX.saturating_sub(suffix.len());
        let kept = &name.name[..name.name.floor_char_boundary(room)];
        let aside = TypeName::new(&name.schema, format!("{kept}{suffix}"));
        let rename = sql::types::rename(name, &aside.name);
        self.statements.push((name.clone(), rename));
        self.records.push(record(NOBODYS, &aside, true, Vec::new()));
    }

    fn change(
        &mut self,
        source: &Definition,
        name: &TypeName,
        known: Option<&Recorded>,
        changes: Vec<Change>,
        may_mend: bool,
    ) {
        let (now, later): (Vec<_>, Vec<_>) = changes
            .into_iter()
            .partition(|change| may_mend || change.is_harmless());
        let members = as_far(source, known, &later);
        if known.is_none_or(|known| known.members != members) {
            let known = record(source.oid, name, false, members);
            self.records.push(known);
        }
        let statements = now.iter().map(|change| sql::types::change(name, change));
        self.statements
            .extend(statements.map(|statement| (name.clone(), statement)));
        self.is_due |= !later.is_empty();
    }
}

/// `InvalidOid`: the copy of no type.
const NOBODYS: u32 = 0;

fn record(source_oid: u32, name: &TypeName, made: bool, members: Vec<Label>) -> RecordedType {
    RecordedType {
        source_oid,
        name: name.clone(),
        made,
        members,
    }
}

fn different(name: &TypeName, why: &str) -> Error {
    let what = format!("The destination has another type {name} than the source: {why}");
    Error::new(Kind::ShapeMismatch, what)
        .on(Side::Destination)
        .remedy(
            "Make both the same by hand. If that is not enough, as where an attribute was dropped \
             and made again, drop the tables that have it and the type: walferry makes them.",
        )
}

/// Labels or attributes, as they are to be remembered.
fn members(source: &Definition) -> Vec<Label> {
    if source.sort != Sort::Composite {
        return source.labels.clone();
    }
    let attribute = |part: &types::Part| Label {
        id: part.id,
        name: part.name.clone(),
    };
    source.parts.iter().map(attribute).collect()
}

/// The same, without the changes that are still to be made.
fn as_far(source: &Definition, known: Option<&Recorded>, later: &[Change]) -> Vec<Label> {
    match known {
        Some(known) if source.sort == Sort::Composite && !later.is_empty() => known.members.clone(),
        _ => {
            let mut members = members(source);
            for change in later {
                if let Change::RenameLabel { from, to } = change
                    && let Some(member) = members.iter_mut().find(|member| member.name == *to)
                {
                    member.name.clone_from(from);
                }
            }
            members
        }
    }
}

fn create(types: &Types, source: &Definition, name: &TypeName) -> Result<String> {
    let spelled = |part: &types::Part| types.spelled(part.type_oid, &part.format);
    let first = source.parts.first().map(spelled);
    Ok(match (source.sort, first) {
        (Sort::Enum, _) => {
            let labels = source.labels.iter().map(|label| label.name.as_str());
            sql::types::create_enum(name, labels)
        }
        (Sort::Composite, _) => {
            let attributes = source.parts.iter();
            let attributes = attributes.map(|part| (part.name.as_str(), spelled(part)));
            sql::types::create_composite(name, attributes)
        }
        (Sort::Domain, Some(base)) => sql::types::create_domain(name, &base),
        (Sort::Range, Some(subtype)) => {
            let multirange = types.multirange_of(source);
            sql::types::create_range(name, &subtype, &source.order, multirange.as_ref())
        }
        _ => return Err(different(name, "nobody but its extension can make it")),
    })
}
