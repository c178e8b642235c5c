//! Lengths, forbidden words, module documents.

use super::scan::Source;
use super::{files, is, none, read, sources};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_COLUMNS_MAX: usize = 100;

/// Files where a literal may make a line longer: breaking it would change what it says.
const LONG_LITERALS: &[&str] = &[
    // scripts for administrators, read as they are printed
    "src/sql/setup.rs",
    // a screen, drawn in one raw literal
    "src/demo/screen.rs",
];

/// The drawing of the crate, wider than a line of code.
fn is_drawing(path: &str, line: &str) -> bool {
    path == "src/lib.rs" && line.starts_with("//! ") && line.contains(['┌', '└', '│', '─'])
}

fn file_lengths<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Vec<String> {
    let long = files.into_iter().filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > FILE_LINES_MAX).then(|| format!("{path}: {lines} lines"))
    });
    long.collect()
}

fn line_lengths(file: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let mut at = 0;
    for line in file.text.split_inclusive('\n') {
        let columns = line.trim_end().chars().count();
        let excused = LONG_LITERALS.contains(&file.path.as_str())
            || is_drawing(&file.path, line)
            // what a test expects, word for word
            || file.in_tests(at) && line.contains('"');
        if columns > LINE_COLUMNS_MAX && !excused {
            faults.push(format!("{}: {columns} columns", file.place(at)));
        }
        at += line.len();
    }
    faults
}

/// Functions of the code that ships, and of the tests beside it.
fn function_lengths(file: &Source) -> Vec<String> {
    let starts = file.code.match_indices("fn ").filter(|(at, _)| {
        let before = file.code[..*at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || c == '_'))
    });
    let long = starts.filter_map(|(at, _)| {
        let end = file.block_end(at)?;
        let lines = file.code[at..end].lines().count();
        let name = file.code[at + 3..]
            .split(['(', '<'])
            .next()
            .unwrap_or_default();
        (lines > FUNCTION_LINES_MAX)
            .then(|| format!("{}: fn {name} has {lines} lines", file.place(at)))
    });
    long.collect()
}

fn forbidden_words(file: &Source) -> Vec<String> {
    let prints = file.path.starts_with("src/cli/") || file.path.starts_with("src/demo/");
    let printing: &[&str] = if prints {
        &[]
    } else {
        &["println!", "eprintln!", "print!", "eprint!"]
    };
    let always = [".unwrap()", "dbg!", "todo!", "unimplemented!", "unsafe"];
    let words = always.iter().chain(printing);
    words
        .flat_map(|word| {
            let used = file.uses(word);
            used.map(move |at| format!("{}: {word}", file.place(at)))
        })
        .collect()
}

#[test]
fn files_are_short() {
    let rust = files("src").into_iter().chain(files("tests"));
    let texts: Vec<(String, String)> = rust
        .filter(|path| is(path, "rs"))
        .map(|path| (path.clone(), read(&path)))
        .collect();
    none(&file_lengths(
        texts
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str())),
    ));
    assert_eq!(
        file_lengths([("a.rs", "x\n".repeat(501).as_str())]).len(),
        1
    );
}

#[test]
fn lines_are_short() {
    let faults: Vec<String> = sources().iter().flat_map(line_lengths).collect();
    none(&faults);
    let long = format!("let a = \"{}\";", "é".repeat(92));
    assert_eq!(line_lengths(&Source::new("src/a.rs", &long)).len(), 1);
    assert_eq!(
        line_lengths(&Source::new("src/a.rs", &long.replace("éé", "é"))).len(),
        0
    );
    assert_eq!(line_lengths(&Source::new(LONG_LITERALS[0], &long)).len(), 0);
}

#[test]
fn functions_are_short() {
    let faults: Vec<String> = sources().iter().flat_map(function_lengths).collect();
    none(&faults);
    let long = format!("fn f() {{\n{}}}\n", "g();\n".repeat(70));
    assert_eq!(function_lengths(&Source::new("src/a.rs", &long)).len(), 1);
    assert_eq!(
        function_lengths(&Source::new("src/a.rs", "fn f();\nfn g() {}")).len(),
        0
    );
}

#[test]
fn forbidden_words_do_not_ship() {
    let faults: Vec<String> = sources().iter().flat_map(forbidden_words).collect();
    none(&faults);
    let planted = |path, text| forbidden_words(&Source::new(path, text)).len();
    assert_eq!(
        planted("src/a.rs", "fn f() { x.unwrap(); println!(\"\"); }"),
        2
    );
    assert_eq!(
        planted("src/cli/a.rs", "fn f() { println!(\"\"); dbg!(x); }"),
        1
    );
    assert_eq!(
        planted("src/a.rs", "// x.unwrap()\nfn f() { x.unwrap_or(1); }"),
        0
    );
}

#[test]
fn every_file_says_what_it_is() {
    let silent = |file: &Source| !file.text.starts_with("//!");
    let faults: Vec<String> = sources()
        .iter()
        .filter(|file| silent(file))
        .map(|file| format!("{}: begins without a //! document", file.path))
        .collect();
    none(&faults);
    assert!(silent(&Source::new("src/a.rs", "use std::fmt;")));
}
