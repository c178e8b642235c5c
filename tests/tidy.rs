//! The rules of the house, checked on the text of the tree. Needs no server.
//!
//! docs/architecture.md lists the invariants; CONTRIBUTING.md the habits. Each rule is a function
//! from sources to faults, so that a test of its own can plant a fault and see it found.

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/invariants.rs"]
mod invariants;
#[path = "tidy/scan.rs"]
mod scan;
#[path = "tidy/style.rs"]
mod style;

use std::path::{Path, PathBuf};

use scan::Source;

/// Where the tree begins.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the tree as text; the path is relative to the root.
fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a folder of the tree, relative to the root, in name order.
fn files(below: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let relative = path.strip_prefix(root()).unwrap().to_str().unwrap();
            if matches!(relative, "target" | ".git") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(relative.to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Whether the file's name ends so.
fn is(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|end| end == extension)
}

/// Every Rust file below `src`.
fn sources() -> Vec<Source> {
    let rust = files("src").into_iter();
    rust.filter(|path| is(path, "rs"))
        .map(|path| Source::new(&path, &read(&path)))
        .collect()
}

/// Fails with all faults at once.
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The words of the first cell of each row of the Markdown tables in `text` that stand in
/// back-ticks.
fn table_names(text: &str) -> std::collections::BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next())
        .map(str::to_owned)
        .collect()
}
