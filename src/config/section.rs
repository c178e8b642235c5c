//! A typed reader of one `[section]` that never stops at a fault.
//!
//! A faulty value becomes a fault and, for the reader, an absent one: reading goes on, so that
//! everything wrong comes out at once, and the result is thrown away in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use config::{Map, Value, ValueKind};
use secrecy::SecretString;

use super::faults::Faults;
use super::raw::{FROM_ENVIRONMENT, variable};

/// What all sections of one configuration share.
pub(super) struct Context<'a> {
    /// Where faults go.
    pub(super) faults: Faults,
    /// The folder of the file, from which relative paths start.
    pub(super) folder: &'a Path,
    /// Why others can read the file, if they can.
    pub(super) exposed: Option<&'a str>,
}

/// A table of the tree whose keys are taken one by one; what nobody takes is unknown.
pub(super) struct Section<'a> {
    context: &'a Context<'a>,
    path: String,
    entries: Map<String, Entry>,
    taken: BTreeSet<String>,
}

#[derive(Clone)]
struct Entry {
    value: Value,
    /// Came as a part of `url`.
    of_url: bool,
}

impl Entry {
    fn of_environment(&self) -> bool {
        self.value.origin() == Some(FROM_ENVIRONMENT)
    }

    /// It had no chance of being written as anything but text.
    fn is_untyped(&self) -> bool {
        self.of_url || self.of_environment()
    }
}

impl<'a> Section<'a> {
    /// The top of the tree.
    pub(super) fn root(context: &'a Context<'a>, tree: Map<String, Value>) -> Self {
        Section::new(context, String::new(), tree)
    }

    fn new(context: &'a Context<'a>, path: String, table: Map<String, Value>) -> Self {
        let entry = |value| Entry {
            value,
            of_url: false,
        };
        Section {
            context,
            path,
            entries: table.into_iter().map(|(k, v)| (k, entry(v))).collect(),
            taken: BTreeSet::new(),
        }
    }

    /// What all sections share.
    pub(super) fn context(&self) -> &'a Context<'a> {
        self.context
    }

    /// The section `[path.name]`, empty when it is not there.
    pub(super) fn section(&mut self, name: &str) -> Section<'a> {
        let path = self.path_of(name);
        self.taken.insert(name.to_owned());
        self.context.faults.knows_section(&path);
        let table = match self.entries.get(name).map(|entry| &entry.value.kind) {
            None => Map::new(),
            Some(ValueKind::Table(table)) => table.clone(),
            Some(_) => {
                let what = "must be a section of keys, not a single value";
                self.fault(name, what, format!("Write [{path}] on a line of its own"));
                Map::new()
            }
        };
        Section::new(self.context, path, table)
    }

    /// The sections of the list `[[path.name]]`, in their order.
    pub(super) fn tables(&mut self, name: &str) -> Vec<Section<'a>> {
        let path = self.path_of(name);
        self.taken.insert(name.to_owned());
        self.context.faults.knows_section(&path);
        let values = match self.entries.get(name).map(|entry| &entry.value.kind) {
            None => return Vec::new(),
            Some(ValueKind::Array(values)) => values.clone(),
            Some(_) => Vec::new(),
        };
        let tables: Vec<_> = values
            .iter()
            .filter_map(|value| match &value.kind {
                ValueKind::Table(table) => Some(table.clone()),
                _ => None,
            })
            .collect();
        if tables.is_empty() || tables.len() < values.len() {
            let what = "must be sections of keys";
            self.fault(name, what, format!("Write [[{path}]] on a line of its own"));
        }
        tables
            .into_iter()
            .map(|table| Section::new(self.context, path.clone(), table))
            .collect()
    }

    /// Whether `key` is written.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether `key` is written in the file, not in the environment.
    pub(super) fn is_in_file(&self, key: &str) -> bool {
        self.entries
            .get(key)
            .is_some_and(|entry| !entry.of_environment())
    }

    /// Adds a part of `url` as if it had been written under its own key.
    pub(super) fn add_part_of_url(&mut self, key: &str, text: String, from_environment: bool) {
        let origin = from_environment.then(|| FROM_ENVIRONMENT.to_owned());
        let entry = Entry {
            value: Value::new(origin.as_ref(), text),
            of_url: true,
        };
        self.entries.insert(key.to_owned(), entry);
    }

    /// Text in quotes.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let entry = self.take(key)?;
        match entry.value.kind {
            ValueKind::String(text) if text.contains('\0') => {
                self.fault(
                    key,
                    "holds a NUL character",
                    "PostgreSQL cannot take it: remove it",
                );
                None
            }
            ValueKind::String(text) => Some(text),
            kind => {
                let what = format!("must be text, not {}", sort_of(&kind));
                self.fault(key, what, format!("Put it in quotes: {key} = \"…\""));
                None
            }
        }
    }

    /// Text that has to be there and not be empty; `example` shows how it could look.
    pub(super) fn required(&mut self, key: &str, example: &str) -> Option<String> {
        if !self.has(key) {
            self.context.faults.knows(&self.path_of(key));
            let what = "is missing";
            self.fault(key, what, format!("Write for example {key} = {example}"));
            return None;
        }
        let text = self.text(key)?;
        if text.is_empty() {
            let what = "is empty";
            self.fault(key, what, format!("Write for example {key} = {example}"));
            return None;
        }
        Some(text)
    }

    /// Text that is never shown.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretString> {
        self.text(key).map(SecretString::from)
    }

    /// A path; relative ones in the file start at the file's folder, others where we run.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        let in_file = self.is_in_file(key);
        let text = self.text(key)?;
        if text.is_empty() {
            self.fault(key, "is empty", "Name a file, or leave the key out");
            return None;
        }
        Some(if in_file {
            self.context.folder.join(text)
        } else {
            text.into()
        })
    }

    /// One path or a list of them, each as [`Section::path`] has it.
    pub(super) fn paths(&mut self, key: &str) -> Vec<PathBuf> {
        match self.entries.get(key).map(|entry| &entry.value.kind) {
            Some(ValueKind::Array(_)) => {
                let folder = self.context.folder;
                let paths = self.list(key).unwrap_or_default();
                paths.into_iter().map(|path| folder.join(path)).collect()
            }
            _ => self.path(key).into_iter().collect(),
        }
    }

    /// A whole number within `range`.
    pub(super) fn integer(&mut self, key: &str, range: RangeInclusive<u64>, default: u64) -> u64 {
        let Some(entry) = self.take(key) else {
            return default;
        };
        let number = match &entry.value.kind {
            ValueKind::I64(number) => u64::try_from(*number).ok(),
            ValueKind::String(text) if entry.is_untyped() => text.trim().parse().ok(),
            _ => None,
        };
        if let Some(number) = number.filter(|number| range.contains(number)) {
            return number;
        }
        let (low, high) = (range.start(), range.end());
        let what = format!(
            "must be a whole number from {low} to {high}, not {}",
            shown(&entry)
        );
        self.fault(key, what, format!("Write for example {key} = {default}"));
        default
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, key: &str, default: bool) -> bool {
        let Some(entry) = self.take(key) else {
            return default;
        };
        let value = match &entry.value.kind {
            ValueKind::Boolean(value) => Some(*value),
            ValueKind::String(text) if entry.is_untyped() => text.trim().parse().ok(),
            _ => None,
        };
        value.unwrap_or_else(|| {
            let what = format!("must be true or false, not {}", shown(&entry));
            self.fault(key, what, format!("Write for example {key} = {default}"));
            default
        })
    }

    /// Text, or a plain number, that `parse` understands; `expected` ends "must be …".
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        expected: &str,
        example: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let entry = self.take(key)?;
        let text = match &entry.value.kind {
            ValueKind::String(text) => Some(text.clone()),
            ValueKind::I64(number) => Some(number.to_string()),
            _ => None,
        };
        let parsed = text.and_then(|text| parse(text.trim()));
        if parsed.is_none() {
            let what = format!("must be {expected}, not {}", shown(&entry));
            self.fault(
                key,
                what,
                format!("Write for example {key} = \"{example}\""),
            );
        }
        parsed
    }

    /// A list of texts; in the environment one text with commas.
    pub(super) fn list(&mut self, key: &str) -> Option<Vec<String>> {
        let entry = self.take(key)?;
        let untyped = entry.is_untyped();
        let items = match entry.value.kind {
            ValueKind::Array(values) => values
                .into_iter()
                .map(|value| match value.kind {
                    ValueKind::String(text) => Ok(text),
                    kind => Err(sort_of(&kind)),
                })
                .collect(),
            ValueKind::String(text) if untyped => Ok(text
                .split(',')
                .map(|item| item.trim().to_owned())
                .filter(|item| !item.is_empty())
                .collect()),
            kind => Err(sort_of(&kind)),
        };
        match items {
            Ok(items) => Some(items),
            Err(found) => {
                let what = format!("must be a list of texts, not {found}");
                self.fault(
                    key,
                    what,
                    format!("Write for example {key} = [\"…\", \"…\"]"),
                );
                None
            }
        }
    }

    /// One text or a list of them; in the environment one with commas is a list.
    pub(super) fn one_or_more(&mut self, key: &str) -> Option<Vec<String>> {
        let is_list = self
            .entries
            .get(key)
            .is_some_and(|entry| match &entry.value.kind {
                ValueKind::Array(_) => true,
                ValueKind::String(text) => entry.of_environment() && text.contains(','),
                _ => false,
            });
        if is_list {
            return self.list(key);
        }
        self.text(key).map(|text| vec![text])
    }

    /// A list of texts, or one text that is cut at its blanks.
    pub(super) fn words(&mut self, key: &str) -> Option<Vec<String>> {
        match self.entries.get(key).map(|entry| &entry.value.kind) {
            Some(ValueKind::String(_)) => self
                .text(key)
                .map(|text| text.split_whitespace().map(str::to_owned).collect()),
            _ => self.list(key),
        }
    }

    /// All keys of a section whose keys are names, each with its text.
    pub(super) fn take_names(&mut self) -> BTreeMap<String, String> {
        let keys: Vec<String> = self.entries.keys().cloned().collect();
        keys.into_iter()
            .filter_map(|key| self.text(&key).map(|text| (key, text)))
            .collect()
    }

    /// Reports `key` of this section.
    pub(super) fn fault(&self, key: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.context.faults.add(self.label(key), what, remedy);
    }

    /// Reports every key that was not taken.
    pub(super) fn finish(self) {
        let mut keys: Vec<&String> = self
            .entries
            .keys()
            .filter(|key| !self.taken.contains(*key))
            .collect();
        keys.sort();
        for key in keys {
            self.context
                .faults
                .does_not_know(self.path_of(key), self.label(key));
        }
    }

    fn take(&mut self, key: &str) -> Option<Entry> {
        self.context.faults.knows(&self.path_of(key));
        self.taken.insert(key.to_owned());
        self.entries.get(key).cloned()
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The key as the person who wrote it knows it.
    fn label(&self, key: &str) -> String {
        let path = self.path_of(key);
        match self.entries.get(key) {
            Some(entry) if entry.of_url => format!("{path} (in url)"),
            Some(entry) if entry.of_environment() => variable(&path),
            _ => path,
        }
    }
}

/// What sort of value was found instead; never the value, which may be a secret without quotes.
fn sort_of(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Nil => "nothing",
        ValueKind::Table(_) => "a section",
        ValueKind::Array(_) => "a list",
        ValueKind::String(_) => "a single text",
        ValueKind::Boolean(_) => "true or false",
        _ => "a number",
    }
}

/// What was found instead, for keys that hold no secret.
fn shown(entry: &Entry) -> String {
    match &entry.value.kind {
        // a `url` that was cut at the wrong place may have put a password here
        _ if entry.of_url => "what the URL says".to_owned(),
        ValueKind::String(text) => format!("the text {text:?}"),
        ValueKind::I64(number) => number.to_string(),
        kind => sort_of(kind).to_owned(),
    }
}
