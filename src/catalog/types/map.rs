//! Types of the source → types of the destination.

use std::collections::{HashMap, HashSet};

use super::definition::{Definition, Label, Order, Sort};
use super::difference::{self, Change, Expected};
use super::{TEXT, binary_is_portable};
use crate::catalog::{Column, TypeName};
use crate::sql;

/// `FirstNormalObjectId`: types below it came with the server.
const FIRST_OID_OF_USERS: u32 = 16_384;

/// What the destination has, and what walferry remembers of it.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Types of the source that have a copy, by oid.
    pub recorded: HashMap<u32, Recorded>,
    /// The schemas that extensions of the destination put types in, by extension and type.
    pub of_extensions: HashMap<(String, String), String>,
    /// Types of `pg_catalog` that columns have and the destination lacks, by oid.
    pub lacking: HashMap<u32, Definition>,
    /// `server_version_num` of the destination.
    pub version: i32,
}

/// A type that was made or found before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its name in the destination, whatever the source calls it now.
    pub name: TypeName,
    /// Labels or attributes of the source's type when both were last the same.
    pub members: Vec<Label>,
}

/// What becomes of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    /// It is, or will be, called this.
    Here(TypeName),
    /// Its values become text, because of this.
    Text(String),
}

/// What becomes of the types outside `pg_catalog` that columns have.
#[derive(Clone, Debug, Default)]
pub struct Types {
    definitions: HashMap<u32, Definition>,
    fates: HashMap<u32, Fate>,
    /// The names of the destination that exist: the type's oid, and that of its arrays.
    existing: HashMap<TypeName, (u32, u32)>,
    /// Types that another one of the source had a copy for.
    remade: HashSet<u32>,
    version: i32,
}

impl Types {
    /// Decides on each of the source's types.
    pub fn new(
        definitions: HashMap<u32, Definition>,
        surroundings: &Surroundings,
        destination_schema: impl Fn(&str) -> String,
    ) -> Self {
        let mut types = Types {
            definitions,
            version: surroundings.version,
            ..Types::default()
        };
        let lacking = surroundings.lacking.iter();
        types
            .definitions
            .extend(lacking.map(|(oid, lacking)| (*oid, lacking.clone())));
        let mut oids: Vec<u32> = types.definitions.keys().copied().collect();
        oids.sort_unstable();
        for oid in oids {
            types.decide(oid, surroundings, &destination_schema);
        }
        types
    }

    fn decide(
        &mut self,
        oid: u32,
        surroundings: &Surroundings,
        destination_schema: &impl Fn(&str) -> String,
    ) {
        if self.fates.contains_key(&oid) {
            return;
        }
        let Some(definition) = self.definitions.get(&oid).cloned() else {
            return;
        };
        for part in &definition.parts {
            self.decide(part.type_oid, surroundings, destination_schema);
        }
        let fate = self.fate(&definition, surroundings, destination_schema);
        if let Fate::Here(name) = &fate
            && definition.is_made()
            && !surroundings.recorded.contains_key(&oid)
            && surroundings
                .recorded
                .values()
                .any(|known| known.name == *name)
        {
            self.remade.insert(oid);
        }
        self.fates.insert(oid, fate);
    }

    fn fate(
        &self,
        definition: &Definition,
        surroundings: &Surroundings,
        destination_schema: &impl Fn(&str) -> String,
    ) -> Fate {
        let name = &definition.name;
        if name.schema == "information_schema" {
            return Fate::Here(name.clone());
        }
        if surroundings.lacking.contains_key(&definition.oid) {
            return Fate::Text("the destination's version has no such type".to_owned());
        }
        if let Some(extension) = &definition.extension {
            let key = (extension.clone(), name.name.clone());
            return match surroundings.of_extensions.get(&key) {
                Some(schema) => Fate::Here(TypeName::new(schema, &name.name)),
                None => Fate::Text(format!(
                    "the destination lacks the extension {extension}, or the right to use it"
                )),
            };
        }
        if let Some(known) = surroundings.recorded.get(&definition.oid) {
            return Fate::Here(known.name.clone());
        }
        let mapped = TypeName::new(destination_schema(&name.schema), &name.name);
        let taken = surroundings
            .recorded
            .iter()
            .any(|(oid, known)| known.name == mapped && self.definitions.contains_key(oid));
        let part = definition.parts.first();
        match definition.sort {
            _ if taken => Fate::Text("its name belongs to another type by now".to_owned()),
            Sort::Enum | Sort::Composite => Fate::Here(mapped),
            Sort::Range if !definition.order.is_portable => Fate::Text(
                "it compares its bounds by something that only the source has".to_owned(),
            ),
            Sort::Multirange if !has_multiranges(surroundings.version) => {
                Fate::Text("the destination is too old for multiranges".to_owned())
            }
            // it comes with its range, in the same schema
            Sort::Multirange => match part.and_then(|part| self.fates.get(&part.type_oid)) {
                Some(Fate::Here(range)) => Fate::Here(TypeName::new(&range.schema, &name.name)),
                Some(Fate::Text(why)) => Fate::Text(why.clone()),
                None => Fate::Here(mapped),
            },
            Sort::Domain | Sort::Range => {
                match part.and_then(|part| self.fates.get(&part.type_oid)) {
                    Some(Fate::Text(why)) => Fate::Text(why.clone()),
                    Some(Fate::Here(_)) | None => Fate::Here(mapped),
                }
            }
            Sort::Array => match part.and_then(|part| self.fates.get(&part.type_oid)) {
                Some(fate) => fate.clone(),
                None => Fate::Text("its elements are unknown".to_owned()),
            },
            Sort::Row => Fate::Text("it stands for the rows of a table".to_owned()),
            Sort::Other => Fate::Text("only the code behind it can make it".to_owned()),
        }
    }

    /// The names that types have or will have in the destination.
    pub fn names(&self) -> Vec<TypeName> {
        let names = self.fates.values().filter_map(|fate| match fate {
            Fate::Here(name) => Some(name.clone()),
            Fate::Text(_) => None,
        });
        let mut names: Vec<TypeName> = names.collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Takes note of what exists in the destination.
    pub fn found(&mut self, existing: HashMap<TypeName, (u32, u32)>) {
        self.existing = existing;
    }

    /// The types that walferry makes, or follows where they exist, in the order in which they
    /// depend on each other, with their names there.
    pub fn made(&self) -> Vec<(&Definition, &TypeName)> {
        let mut oids: Vec<u32> = self.definitions.keys().copied().collect();
        oids.sort_unstable();
        let (mut seen, mut order) = (HashSet::new(), Vec::new());
        for oid in oids {
            self.visit(oid, &mut seen, &mut order);
        }
        order
    }

    fn visit<'t>(
        &'t self,
        oid: u32,
        seen: &mut HashSet<u32>,
        order: &mut Vec<(&'t Definition, &'t TypeName)>,
    ) {
        let Some(definition) = self.definitions.get(&oid) else {
            return;
        };
        if !seen.insert(oid) {
            return;
        }
        for part in &definition.parts {
            self.visit(part.type_oid, seen, order);
        }
        if let Some(Fate::Here(name)) = self.fates.get(&oid)
            && definition.is_made()
        {
            order.push((definition, name));
        }
    }

    /// Its place in the destination.
    pub fn exists(&self, name: &TypeName) -> Option<u32> {
        self.existing.get(name).map(|(oid, _)| *oid)
    }

    /// Another type of the source than the one that the copy was made for.
    pub fn is_remade(&self, oid: u32) -> bool {
        self.remade.contains(&oid)
    }

    /// One for which [`Types::is_remade`] is true, if there is any.
    pub fn remade(&self) -> Option<&TypeName> {
        let remade = self.remade.iter().min()?;
        self.definitions.get(remade).map(|one| &one.name)
    }

    /// Their copies are those of the new ones from now on.
    pub fn adopt_all(&mut self) {
        self.remade.clear();
    }

    /// What is to be done so that the destination's type is that of the source, harmless steps
    /// first; `Err` says why nothing helps.
    pub fn changes(
        &self,
        source: &Definition,
        destination: &Definition,
        recorded: Option<&Recorded>,
    ) -> Result<Vec<Change>, String> {
        let recorded = recorded.map(|recorded| recorded.members.as_slice());
        difference::changes(source, destination, recorded, |part| Expected {
            type_oid: self.destination_oid(part.type_oid),
            type_modifier: self.modifier(part.type_oid, part.type_modifier),
            sql: self.spelled(part.type_oid, &part.format),
        })
    }

    /// The destination's type for one of the source that `format_type` prints as `format`; text
    /// where there is none.
    pub fn spelled(&self, oid: u32, format: &str) -> String {
        let leaf = self.leaf(oid);
        let Some(definition) = self.definitions.get(&leaf) else {
            return format.to_owned();
        };
        match self.fates.get(&leaf) {
            Some(Fate::Here(name)) => {
                let suffix = format.strip_prefix(&definition.quoted).unwrap_or_default();
                sql::types::spelled(name, suffix)
            }
            _ => "text".to_owned(),
        }
    }

    /// As [`Types::spelled`], of a column.
    pub fn of_column(&self, column: &Column) -> String {
        self.spelled(column.type_oid, &column.type_name)
    }

    /// Why the values of such a column become text, if they do.
    pub fn becomes_text(&self, oid: u32) -> Option<&str> {
        match self.fates.get(&oid) {
            Some(Fate::Text(why)) => Some(why),
            _ => None,
        }
    }

    /// As [`Types::becomes_text`], also for what is inside of it: where and why.
    pub fn text_within(&self, oid: u32) -> Option<(&TypeName, &str)> {
        let definition = self.definitions.get(&oid)?;
        if let Some(why) = self.becomes_text(oid)
            && definition.sort != Sort::Array
        {
            return Some((&definition.name, why));
        }
        let mut parts = definition.parts.iter();
        parts.find_map(|part| self.text_within(part.type_oid))
    }

    /// `server_version_num` of the destination.
    pub fn version(&self) -> i32 {
        self.version
    }

    /// Values of this type are, or consist of, values of a type and a modifier that `is_one` knows.
    pub fn holds(&self, oid: u32, modifier: i32, is_one: &impl Fn(u32, i32) -> bool) -> bool {
        let parts = self.definitions.get(&oid).map(|known| &known.parts);
        let mut parts = parts.into_iter().flatten();
        is_one(oid, modifier)
            || parts.any(|part| self.holds(part.type_oid, part.type_modifier, is_one))
    }

    /// A column of this type has to do with a type for which [`Types::is_remade`] is true.
    pub fn uses_remade(&self, oid: u32) -> bool {
        let parts = |d: &Definition| d.parts.iter().any(|part| self.uses_remade(part.type_oid));
        self.is_remade(oid) || self.definitions.get(&oid).is_some_and(parts)
    }

    /// The destination's column holds every value of this type unchanged: it has its copy, with
    /// the same modifier (a shorter length or scale would change values without a word), or is
    /// text, which holds any type's text.
    pub fn fits(&self, oid: u32, modifier: i32, place: &Column) -> bool {
        place.type_oid == TEXT || self.is_copy(oid, modifier, place)
    }

    fn is_copy(&self, oid: u32, modifier: i32, place: &Column) -> bool {
        let modifier = self.modifier(oid, modifier);
        self.destination_oid(oid) == Some(place.type_oid) && modifier == place.type_modifier
    }

    /// COPY and pgoutput may carry the column's values in binary, to where they go; `None`: to a
    /// column that is made after this one.
    pub fn binary_fits(&self, column: &Column, place: Option<&Column>) -> bool {
        let (oid, modifier) = (column.type_oid, column.type_modifier);
        self.binary_is_portable(oid) && place.is_none_or(|place| self.is_copy(oid, modifier, place))
    }

    /// Values of this type mean the same in binary on both sides, in the type that they have in
    /// the destination. Arrays and composites carry the oids of types, and what code of extensions
    /// writes may depend on their version: those go as text.
    fn binary_is_portable(&self, oid: u32) -> bool {
        let Some(definition) = self.definitions.get(&oid) else {
            return binary_is_portable(oid);
        };
        if definition.extension.is_some() || !matches!(self.fates.get(&oid), Some(Fate::Here(_))) {
            return false;
        }
        match definition.sort {
            // the label
            Sort::Enum => true,
            // that of the base type
            Sort::Domain => definition
                .parts
                .iter()
                .all(|part| self.binary_is_portable(part.type_oid)),
            _ => false,
        }
    }

    /// The name of the multirange that comes with a range, where the destination knows any.
    pub fn multirange_of(&self, range: &Definition) -> Option<TypeName> {
        let known = |_: &&TypeName| has_multiranges(self.version);
        let source = range.multirange.as_ref().filter(known)?;
        let Some(Fate::Here(name)) = self.fates.get(&range.oid) else {
            return None;
        };
        Some(TypeName::new(&name.schema, &source.name))
    }

    /// Enums and composites that are followed, as the source numbers them.
    pub fn followed(&self) -> Vec<u32> {
        let made = self.made().into_iter();
        let followed = made.filter(|(d, _)| matches!(d.sort, Sort::Enum | Sort::Composite));
        followed.map(|(definition, _)| definition.oid).collect()
    }

    fn leaf(&self, oid: u32) -> u32 {
        match self.definitions.get(&oid) {
            Some(definition) if definition.sort == Sort::Array => {
                definition.parts.first().map_or(oid, |part| part.type_oid)
            }
            _ => oid,
        }
    }

    /// `None`: the type was made after the catalogs were read, or does not exist there yet.
    fn destination_oid(&self, oid: u32) -> Option<u32> {
        let leaf = self.leaf(oid);
        match self.fates.get(&leaf) {
            None => (oid < FIRST_OID_OF_USERS).then_some(oid),
            Some(Fate::Text(_)) => Some(TEXT),
            Some(Fate::Here(name)) => {
                let (own, array) = self.existing.get(name)?;
                Some(if leaf == oid { *own } else { *array })
            }
        }
    }

    fn modifier(&self, oid: u32, modifier: i32) -> i32 {
        match self.becomes_text(oid) {
            Some(_) => -1,
            None => modifier,
        }
    }
}

fn has_multiranges(version: i32) -> bool {
    version >= 14_00_00
}

impl Definition {
    /// A type of `pg_catalog` of which only the name, as `format_type` prints it, matters.
    pub fn built_in(oid: u32, format: &str) -> Self {
        Definition {
            oid,
            name: TypeName::new("pg_catalog", format),
            quoted: format.to_owned(),
            sort: Sort::Other,
            extension: None,
            labels: Vec::new(),
            parts: Vec::new(),
            order: Order::default(),
            multirange: None,
        }
    }

    /// walferry makes such types: `CREATE TYPE` or `CREATE DOMAIN` without anybody's code.
    fn is_made(&self) -> bool {
        let sort = matches!(
            self.sort,
            Sort::Enum | Sort::Domain | Sort::Composite | Sort::Range
        );
        sort && self.extension.is_none() && self.name.schema != "information_schema"
    }
}
