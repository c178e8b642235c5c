//! What a type of the destination lacks to be the one of the source.

use super::definition::{Definition, Label, Part, Sort};

/// One step that makes both the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A label more, in its place.
    AddLabel {
        /// The label.
        label: String,
        /// Where it goes among those that are there.
        place: Place,
    },
    /// A label reads otherwise.
    RenameLabel {
        /// As it is there.
        from: String,
        /// As it shall be.
        to: String,
    },
    /// An attribute more, at the end.
    AddAttribute {
        /// Its name.
        name: String,
        /// Its type, as SQL.
        type_sql: String,
    },
    /// An attribute is gone.
    DropAttribute {
        /// Its name.
        name: String,
    },
    /// An attribute has another name.
    RenameAttribute {
        /// As it is there.
        from: String,
        /// As it shall be.
        to: String,
    },
}

/// Where a label goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// There is no other.
    Alone,
    /// Before this one.
    Before(String),
    /// After this one.
    After(String),
}

impl Change {
    /// It hurts no value that was written before it on the source: those would not be understood
    /// any more after the others.
    pub fn is_harmless(&self) -> bool {
        matches!(self, Change::AddLabel { .. })
    }
}

/// What is asked of the destination's side of a part.
pub(super) struct Expected {
    /// `pg_type.oid` there.
    pub(super) type_oid: Option<u32>,
    /// `atttypmod` there.
    pub(super) type_modifier: i32,
    /// As SQL.
    pub(super) sql: String,
}

/// The steps, harmless ones first; `Err` says why no steps lead there. `recorded` are the labels
/// or attributes that the source had when both were last the same.
pub(super) fn changes(
    source: &Definition,
    destination: &Definition,
    recorded: Option<&[Label]>,
    expected: impl Fn(&Part) -> Expected,
) -> Result<Vec<Change>, String> {
    if source.sort != destination.sort {
        return Err("it is of another sort".to_owned());
    }
    match source.sort {
        Sort::Enum => labels(source, destination, recorded.unwrap_or_default()),
        Sort::Composite => attributes(source, destination, recorded, expected),
        _ => same_parts(&source.parts, &there(destination), &expected)
            .filter(|()| source.order == destination.order)
            .map(|()| Vec::new())
            .ok_or_else(|| "it is built on another type".to_owned()),
    }
}

fn labels(
    source: &Definition,
    destination: &Definition,
    recorded: &[Label],
) -> Result<Vec<Change>, String> {
    // as they read now, and as they will
    let mut there: Vec<(String, String)> = destination
        .labels
        .iter()
        .map(|label| (label.name.clone(), label.name.clone()))
        .collect();
    let mut renames = Vec::new();
    for old in recorded {
        let now = source.labels.iter().find(|label| label.id == old.id);
        let Some(now) = now.filter(|now| now.name != old.name) else {
            continue;
        };
        let taken = there.iter().any(|(label, _)| *label == now.name);
        if let Some(place) = there.iter_mut().find(|(label, _)| *label == old.name)
            && !taken
        {
            place.1.clone_from(&now.name);
            renames.push(Change::RenameLabel {
                from: old.name.clone(),
                to: now.name.clone(),
            });
        }
    }
    let mut changes = Vec::new();
    for (at, label) in source.labels.iter().enumerate() {
        let has = |name: &str| there.iter().position(|(_, label)| label == name);
        if has(&label.name).is_some() {
            continue;
        }
        // values of both came under that name
        if there.iter().any(|(now, _)| *now == label.name) {
            return Err("a label has the name that another one had".to_owned());
        }
        let before = at.checked_sub(1).map(|at| &source.labels[at].name);
        let before = before.and_then(|before| has(before));
        let place = match (before, there.first()) {
            (Some(before), _) => Place::After(there[before].0.clone()),
            (None, Some(first)) => Place::Before(first.0.clone()),
            (None, None) => Place::Alone,
        };
        let both = (label.name.clone(), label.name.clone());
        there.insert(before.map_or(0, |before| before + 1), both);
        changes.push(Change::AddLabel {
            label: label.name.clone(),
            place,
        });
    }
    let same = there
        .iter()
        .map(|(_, label)| label)
        .eq(source.labels.iter().map(|label| &label.name));
    if !same {
        return Err("it has other labels, or in another order".to_owned());
    }
    changes.extend(renames);
    Ok(changes)
}

/// Name, type and modifier.
type Attribute = (String, Option<u32>, i32);

fn there(destination: &Definition) -> Vec<Attribute> {
    let parts = destination.parts.iter();
    let part = |part: &Part| (part.name.clone(), Some(part.type_oid), part.type_modifier);
    parts.map(part).collect()
}

fn same_parts(
    parts: &[Part],
    there: &[Attribute],
    expected: impl Fn(&Part) -> Expected,
) -> Option<()> {
    let wanted = parts.iter().map(|part| {
        let expected = expected(part);
        (part.name.clone(), expected.type_oid, expected.type_modifier)
    });
    wanted.eq(there.iter().cloned()).then_some(())
}

fn attributes(
    source: &Definition,
    destination: &Definition,
    recorded: Option<&[Label]>,
    expected: impl Fn(&Part) -> Expected,
) -> Result<Vec<Change>, String> {
    let mut there = there(destination);
    let mut changes = Vec::new();
    let now = |old: &Label| source.parts.iter().find(|part| part.id == old.id);
    let (stayed, gone): (Vec<&Label>, Vec<&Label>) = recorded
        .unwrap_or_default()
        .iter()
        .partition(|old| now(old).is_some());
    for old in gone {
        let place = there.iter().position(|(name, ..)| *name == old.name);
        if let Some(place) = place {
            there.remove(place);
            changes.push(Change::DropAttribute {
                name: old.name.clone(),
            });
        }
    }
    let some_went = !changes.is_empty();
    for old in stayed {
        let Some(to) = now(old)
            .map(|part| &part.name)
            .filter(|to| **to != old.name)
        else {
            continue;
        };
        let is_taken = there.iter().any(|(name, ..)| name == to);
        let Some(place) = there.iter_mut().find(|(name, ..)| *name == old.name) else {
            continue;
        };
        if is_taken {
            return Err("an attribute has the name that another one had".to_owned());
        }
        place.0.clone_from(to);
        changes.push(Change::RenameAttribute {
            from: old.name.clone(),
            to: to.clone(),
        });
    }
    let is_new = |part: &&Part| recorded.is_some_and(|old| old.iter().all(|old| old.id != part.id));
    for part in source.parts.iter().filter(is_new) {
        // values of after have as many attributes as those of before
        if some_went {
            return Err("an attribute went and another one came".to_owned());
        }
        let expected = expected(part);
        there.push((part.name.clone(), expected.type_oid, expected.type_modifier));
        changes.push(Change::AddAttribute {
            name: part.name.clone(),
            type_sql: expected.sql,
        });
    }
    same_parts(&source.parts, &there, expected)
        .map(|()| changes)
        .ok_or_else(|| "it has other attributes, or in another order".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::TypeName;
    use crate::catalog::types::definition::Order;

    fn enumeration(labels: &[(u32, &str)]) -> Definition {
        Definition {
            oid: 1,
            name: TypeName::new("s", "t"),
            quoted: String::new(),
            sort: Sort::Enum,
            extension: None,
            labels: list(labels),
            parts: Vec::new(),
            order: Order::default(),
            multirange: None,
        }
    }

    fn list(labels: &[(u32, &str)]) -> Vec<Label> {
        let label = |(id, name): &(u32, &str)| Label {
            id: *id,
            name: (*name).to_owned(),
        };
        labels.iter().map(label).collect()
    }

    fn steps(
        now: &[(u32, &str)],
        there: &[&str],
        recorded: &[(u32, &str)],
    ) -> Result<Vec<Change>, String> {
        let there: Vec<(u32, &str)> = there.iter().map(|name| (0, *name)).collect();
        let nothing = |_: &Part| unreachable!("an enum has no parts");
        let recorded = list(recorded);
        let (now, there) = (enumeration(now), enumeration(&there));
        changes(&now, &there, Some(&recorded), nothing)
    }

    fn add(label: &str, place: Place) -> Change {
        Change::AddLabel {
            label: label.to_owned(),
            place,
        }
    }

    #[test]
    fn new_labels_go_to_their_places() {
        let now = [(1, "a"), (5, "b"), (2, "c"), (4, "d"), (3, "e")];
        let expected = [
            add("a", Place::Before("c".to_owned())),
            add("b", Place::After("a".to_owned())),
            add("d", Place::After("c".to_owned())),
        ];
        assert_eq!(steps(&now, &["c", "e"], &[]).unwrap(), expected);
        assert_eq!(
            steps(&now[..1], &[], &[]).unwrap(),
            [add("a", Place::Alone)]
        );
    }

    #[test]
    fn a_renamed_label_is_known_by_its_oid_and_new_ones_find_it_by_its_old_name() {
        let changes = steps(&[(1, "x"), (2, "y")], &["a"], &[(1, "a")]).unwrap();
        let rename = Change::RenameLabel {
            from: "a".to_owned(),
            to: "x".to_owned(),
        };
        assert_eq!(changes, [add("y", Place::After("a".to_owned())), rename]);
    }

    #[test]
    fn labels_that_no_step_brings_about_are_refused() {
        // there, and nowhere on the source
        assert!(steps(&[(1, "a")], &["a", "b"], &[]).is_err());
        assert!(steps(&[(1, "a"), (2, "b")], &["b", "a"], &[]).is_err());
        // two labels that traded places
        let recorded = [(1, "a"), (2, "b")];
        assert!(steps(&[(1, "b"), (2, "a")], &["a", "b"], &recorded).is_err());
        // a new one under the name that another one had
        assert!(steps(&[(1, "x"), (2, "a")], &["a"], &recorded[..1]).is_err());
        assert!(steps(&[(2, "a"), (1, "x")], &["a"], &recorded[..1]).is_err());
    }

    #[test]
    fn attributes_come_or_go_but_one_that_takes_the_place_of_another_is_refused() {
        let composite = |parts: &[(u32, &str)]| {
            let mut composite = enumeration(&[]);
            composite.sort = Sort::Composite;
            let part = |(id, name): &(u32, &str)| Part {
                id: *id,
                name: (*name).to_owned(),
                type_oid: 25,
                type_modifier: -1,
                format: "text".to_owned(),
            };
            composite.parts = parts.iter().map(part).collect();
            composite
        };
        let expected = |part: &Part| Expected {
            type_oid: Some(part.type_oid),
            type_modifier: part.type_modifier,
            sql: part.format.clone(),
        };
        let before = [(1, "a"), (2, "b")];
        let steps = |now: &[(u32, &str)]| {
            let recorded = list(&before);
            changes(
                &composite(now),
                &composite(&before),
                Some(&recorded),
                expected,
            )
        };
        assert_eq!(steps(&before).unwrap(), []);
        assert_eq!(steps(&before[..1]).unwrap().len(), 1);
        assert_eq!(steps(&[(1, "a"), (2, "c"), (3, "d")]).unwrap().len(), 2);
        assert!(steps(&[(1, "a"), (3, "b")]).is_err());
        assert!(steps(&[(1, "a"), (3, "c")]).is_err());
    }
}
