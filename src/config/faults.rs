//! All that is wrong with a configuration, gathered before anything is said.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write;

use crate::error::{Error, Kind};

/// What has been found so far. Shared by all sections while they are read.
#[derive(Default)]
pub(super) struct Faults {
    found: RefCell<Vec<Fault>>,
    known: RefCell<BTreeSet<String>>,
    sections: RefCell<BTreeSet<String>>,
    unknown: RefCell<Vec<Unknown>>,
}

struct Fault {
    key: String,
    what: String,
    remedy: String,
}

/// A key that nobody asked for; `path` without, `label` with its origin.
struct Unknown {
    path: String,
    label: String,
}

impl Faults {
    /// `what` goes on where the key ended: "must be …"; `remedy` is a sentence without full stop.
    pub(super) fn add(
        &self,
        key: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.found.borrow_mut().push(Fault {
            key: key.into(),
            what: what.into(),
            remedy: remedy.into(),
        });
    }

    /// Remembers a key that the loader reads, written or not.
    pub(super) fn knows(&self, path: &str) {
        self.known.borrow_mut().insert(path.to_owned());
    }

    /// Remembers a section that the loader reads, written or not.
    pub(super) fn knows_section(&self, path: &str) {
        self.sections.borrow_mut().insert(path.to_owned());
    }

    /// Remembers a key that was written and that the loader does not read.
    pub(super) fn does_not_know(&self, path: String, label: String) {
        self.unknown.borrow_mut().push(Unknown { path, label });
    }

    /// Every key that the loader has asked for.
    #[cfg(test)]
    pub(super) fn known(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }

    /// The one error that lists everything, or nothing.
    pub(super) fn into_error(self, remedy: &str) -> Option<Error> {
        let mut known = self.known.into_inner();
        known.append(&mut self.sections.into_inner());
        let mut found = self.found.into_inner();
        found.extend(self.unknown.into_inner().into_iter().map(|unknown| {
            let remedy = match nearest(&unknown.path, &known) {
                Some(key) => format!("Did you mean {key}?"),
                None => "Remove it".to_owned(),
            };
            Fault {
                key: unknown.label,
                what: "is not a key of walferry".to_owned(),
                remedy,
            }
        }));
        if found.is_empty() {
            return None;
        }
        let faults = if found.len() == 1 { "fault" } else { "faults" };
        let mut text = format!("The configuration has {} {faults}:", found.len());
        for Fault { key, what, remedy } in &found {
            let _ = write!(text, "\n  {key} {what}. {remedy}");
        }
        Some(Error::new(Kind::Config, text).remedy(remedy))
    }
}

/// How alike two keys must be, of 1.0, before one is offered for the other.
const ALIKE_MIN: f64 = 0.6;

/// The known key that was most likely meant: a similar one of the same section, else one of the
/// same name elsewhere.
fn nearest<'a>(path: &str, known: &'a BTreeSet<String>) -> Option<&'a str> {
    let (section, name) = split(path);
    let alike = |key: &&String| strsim::normalized_damerau_levenshtein(name, split(key).1);
    let neighbour = known
        .iter()
        .filter(|key| split(key).0 == section)
        .max_by(|a, b| alike(a).total_cmp(&alike(b)))
        .filter(|key| alike(key) >= ALIKE_MIN);
    neighbour
        .or_else(|| known.iter().find(|key| split(key).1 == name))
        .map(String::as_str)
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_key_is_offered_its_neighbour_and_a_misplaced_one_its_home() {
        let known = ["source.port", "source.sslmode", "source.replication.slot"]
            .map(str::to_owned)
            .into();
        assert_eq!(nearest("source.prot", &known), Some("source.port"));
        assert_eq!(nearest("source.ssl_mode", &known), Some("source.sslmode"));
        assert_eq!(
            nearest("source.slot", &known),
            Some("source.replication.slot")
        );
        assert_eq!(nearest("source.colour", &known), None);
    }
}
