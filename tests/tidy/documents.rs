//! Documents and code agree. That the example configuration has every key that the loader knows,
//! and no other, is checked beside the loader (`src/config/tests.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::scan::Source;
use super::{files, is, none, read, root, table_names};

/// The names of a file's public constants.
pub(super) fn constants(file: &Source) -> Vec<String> {
    let starts = file.code.split("pub const ").skip(1);
    let names = starts.filter_map(|rest| rest.split(':').next());
    names.map(str::to_owned).collect()
}

fn source(path: &str) -> Source {
    Source::new(path, &read(path))
}

/// What is missing on either side.
fn difference(what: &str, code: &BTreeSet<String>, document: &BTreeSet<String>) -> Vec<String> {
    let lacking = code
        .difference(document)
        .map(|name| format!("{what} {name} is not documented"));
    let gone = document
        .difference(code)
        .map(|name| format!("{what} {name} does not exist"));
    lacking.chain(gone).collect()
}

/// The text from a heading to the next one of its level.
fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let start = text
        .find(&format!("\n{heading}\n"))
        .map_or(0, |at| at + heading.len() + 2);
    let end = text[start..]
        .find("\n## ")
        .map_or(text.len(), |end| start + end);
    &text[start..end]
}

#[test]
fn every_metric_is_documented_and_every_documented_metric_exists() {
    let metrics = source("src/observe/metrics.rs");
    let is_name = |text: &str| {
        let own = text.starts_with("walferry_") || text.starts_with("process_");
        own && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    let literals = metrics.literals.iter().map(|(_, text)| text.clone());
    let code: BTreeSet<String> = literals.filter(|text| is_name(text)).collect();
    let text = read("docs/metrics.md");
    none(&difference("metric", &code, &table_names(&text)));
    let more = format!("{text}\n| `walferry_invented` | gauge |\n");
    assert_eq!(difference("metric", &code, &table_names(&more)).len(), 1);
}

#[test]
fn every_bound_is_documented_and_every_documented_bound_exists() {
    let code: BTreeSet<String> = constants(&source("src/limits.rs")).into_iter().collect();
    assert!(code.len() > 30, "{code:?}");
    let text = read("docs/limits.md");
    none(&difference(
        "bound",
        &code,
        &table_names(section(&text, "## Bounds")),
    ));
}

/// Every error kind as it is spelled, with what the daemon does about it.
fn reactions() -> BTreeMap<String, String> {
    let kinds = source("src/error/mod.rs");
    let reaction = source("src/pipeline/reaction.rs");
    let spelled = kinds.text.lines().filter_map(|line| {
        let (kind, rest) = line.trim().strip_prefix("Kind::")?.split_once(" => \"")?;
        Some((kind.to_owned(), rest.split('"').next()?.to_owned()))
    });
    let arms: Vec<&str> = reaction.code.split("=> Reaction::").collect();
    let reacts = |kind: &str| {
        let pairs = arms.windows(2);
        let arm = pairs.into_iter().find(|pair| {
            let before = pair[0].split(|c: char| !c.is_alphanumeric());
            before.into_iter().any(|word| word == kind)
        });
        let words = arm.map(|pair| pair[1].split(|c: char| !c.is_alphanumeric()));
        words
            .and_then(|mut words| words.next())
            .unwrap_or("?")
            .to_owned()
    };
    spelled.map(|(kind, name)| (name, reacts(&kind))).collect()
}

#[test]
fn every_error_kind_is_documented_with_what_walferry_does_about_it() {
    let kinds = reactions();
    assert!(kinds.len() > 20, "{kinds:?}");
    let code: BTreeSet<String> = kinds.keys().cloned().collect();
    let text = read("docs/operations.md");
    let table = section(&text, "## Errors");
    none(&difference("error kind", &code, &table_names(table)));
    let architecture = read("docs/architecture.md");
    let policy = section(&architecture, "## Failure policy");
    let mut faults = Vec::new();
    for (kind, reaction) in &kinds {
        let (operations, word) = match reaction.as_str() {
            "Retry" => ("| retries |", "| retry |"),
            "StartAgain" => ("| starts again", "| start again |"),
            "Halt" => ("| halts", "| halt |"),
            other => panic!("{kind}: the reaction {other} is new here"),
        };
        let rows = |text: &str, start: &str| -> Vec<String> {
            let rows = text.lines().filter(|line| line.starts_with(start));
            rows.map(str::to_owned).collect()
        };
        if !rows(table, &format!("| `{kind}` |"))
            .iter()
            .all(|row| row.contains(operations))
        {
            faults.push(format!("docs/operations.md: {kind} means {reaction}"));
        }
        if !rows(policy, word)
            .iter()
            .any(|row| row.contains(&format!("`{kind}`")))
        {
            faults.push(format!("docs/architecture.md: {kind} means {reaction}"));
        }
    }
    none(&faults);
}

/// A Markdown text without its code blocks.
fn prose(text: &str) -> String {
    let blocks = text.split("\n```").step_by(2);
    blocks.collect::<Vec<_>>().join("\n")
}

/// The names under which GitHub and others link to the headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| {
            let title = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = title
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

fn markdown(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let prose = prose(text);
    let titles = prose.lines().filter(|line| line.starts_with("# ")).count();
    if titles != 1 {
        faults.push(format!("{path}: {titles} titles"));
    }
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    for link in prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
    {
        if link.contains("://") {
            continue;
        }
        let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
        let target = root().join(folder).join(file);
        let there = match file {
            "" => text.to_owned(),
            _ if target.is_dir() => String::new(),
            _ => std::fs::read_to_string(&target).unwrap_or_default(),
        };
        if !file.is_empty() && !target.exists() {
            faults.push(format!("{path}: dead link {link}"));
        } else if !anchor.is_empty() && !anchors(&there).contains(anchor) {
            faults.push(format!("{path}: no heading for {link}"));
        }
    }
    faults
}

#[test]
fn markdown_has_one_title_and_no_dead_links() {
    let paths = files("").into_iter().filter(|path| is(path, "md"));
    let faults: Vec<String> = paths
        .flat_map(|path| markdown(&path, &read(&path)))
        .collect();
    none(&faults);
    assert_eq!(markdown("docs/a.md", "# A\n# B\n").len(), 1);
    assert_eq!(
        markdown("docs/a.md", "# A\n[b](gone.md) [c](limits.md#gone) [d](#a)").len(),
        2
    );
    assert_eq!(
        markdown(
            "docs/a.md",
            "# A\n```\n# no title\n```\n[b](limits.md#bounds)"
        )
        .len(),
        0
    );
}

/// Rows of docs/testing.md that name no case and no test that is there; how many rows there are.
fn uncovered(text: &str) -> (Vec<String>, usize) {
    let rows = section(text, "## PostgreSQL's own scenarios").lines();
    let rows = rows.filter(|row| row.starts_with("| ") && !row.starts_with("| nr"));
    let mut count = 0;
    let mut faults = Vec::new();
    for row in rows {
        count += 1;
        let covered_by = row.rsplit('|').nth(1).unwrap_or_default();
        let named: Vec<&str> = covered_by.split('`').skip(1).step_by(2).collect();
        let there = |name: &&str| {
            let folder = if is(name, "rs") {
                "tests"
            } else {
                "tests/cases"
            };
            root().join(folder).join(name).exists()
        };
        if named.is_empty() || !named.iter().all(there) {
            faults.push(format!("docs/testing.md: {row}"));
        }
    }
    (faults, count)
}

#[test]
fn every_scenario_of_postgresql_is_covered_by_a_case_or_a_test_that_exists() {
    let (faults, count) = uncovered(&read("docs/testing.md"));
    none(&faults);
    eprintln!("{count} scenarios");
    assert!(count > 80);
    let gone = "## PostgreSQL's own scenarios\n| 001 | nothing | `keys/gone` |\n";
    assert_eq!(uncovered(gone).0.len(), 1);
}

/// Paths of one machine, and words that say how a text came about instead of what it says.
fn strangers(path: &str, text: &str) -> Vec<String> {
    // in two parts, so that this file does not hold them
    let words = [
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["/ho", "me/"],
        ["/Us", "ers/"],
        ["Cla", "ude"],
        ["Anthr", "opic"],
        ["Chat", "GPT"],
        ["Open", "AI"],
        ["Copi", "lot"],
        ["LL", "M "],
        ["language ", "model"],
        ["AI-", "generated"],
    ];
    let found = words.iter().map(|parts| parts.concat());
    found
        .filter(|word| text.contains(word.as_str()))
        .map(|word| format!("{path}: {word}"))
        .collect()
}

#[test]
fn the_tree_knows_no_single_machine_and_no_tool_that_wrote_it() {
    let mut faults = Vec::new();
    for path in files("") {
        // what is not text says nothing; the lock file holds names of others
        let text = std::fs::read_to_string(root().join(&path)).unwrap_or_default();
        if path != "Cargo.lock" {
            faults.extend(strangers(&path, &text));
        }
    }
    none(&faults);
    assert_eq!(strangers("a", &["see /ho", "me/me"].concat()).len(), 1);
}
