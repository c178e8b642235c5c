//! A case as its folder describes it.

use std::path::{Path, PathBuf};

/// What is to come of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Both sides hold the same rows.
    Equal,
    /// The daemon does not start, and says these words.
    Refused(String),
    /// The daemon ends at the changes, and says these words.
    Halted(String),
}

/// One folder.
#[allow(clippy::struct_excessive_bools)] // one for each header without a value
#[derive(Clone, Debug)]
pub struct Case {
    /// `<area>/<name>`
    pub name: String,
    /// The schema that its unqualified names go to.
    pub schema: String,
    pub folder: PathBuf,
    /// The first major version that can do it.
    pub from: u32,
    /// The last one that can.
    pub until: u32,
    /// The first major version of a destination that can.
    pub destination_from: u32,
    /// It has a daemon of its own.
    pub alone: bool,
    /// It is taken again with a daemon to which the source sends binary values.
    pub binary: bool,
    /// Its tables change shape, or come while the daemon follows: they may be loaded beside the
    /// stream, and are there some time after the changes.
    pub joins: bool,
    /// Its tables change shape, and none of them is loaded again.
    pub in_place: bool,
    /// Columns that the source drops stay in the destination.
    pub keeps: bool,
    /// Rows a batch on the way through small batches.
    pub batch_rows_max: u32,
    /// The publications of the configuration, when they are several.
    pub publications: Vec<String>,
    pub expect: Expect,
}

impl Case {
    /// The path of one of its files, if it has that.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let path = self.folder.join(name);
        path.exists().then_some(path)
    }

    /// Servers of these major versions can do it.
    pub fn fits(&self, source: u32, destination: u32) -> bool {
        (self.from..=self.until).contains(&source) && destination >= self.destination_from
    }

    /// As its files say.
    pub fn read(area: &str, folder: PathBuf) -> Case {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut case = Case {
            schema: format!("{area}_{name}"),
            name: format!("{area}/{name}"),
            folder,
            from: 10,
            destination_from: 12,
            until: u32::MAX,
            alone: false,
            binary: false,
            joins: false,
            in_place: false,
            keeps: false,
            batch_rows_max: 1,
            publications: Vec::new(),
            expect: Expect::Equal,
        };
        case.alone = case.file("publication.sql").is_some();
        let text = std::fs::read_to_string(case.folder.join("schema.sql")).unwrap();
        for line in text.lines().map_while(|line| line.strip_prefix("-- ")) {
            case.note(line);
        }
        case
    }

    /// Takes note of a comment; one that is not `word: value` is for people.
    fn note(&mut self, comment: &str) {
        let Some((word, value)) = comment.split_once(": ") else {
            return;
        };
        match word {
            "from" => self.from = value.parse().unwrap(),
            "destination from" => self.destination_from = value.parse().unwrap(),
            "until" => self.until = value.parse().unwrap(),
            "alone" => self.alone = true,
            "binary" => self.binary = true,
            "joins" => self.joins = true,
            "in place" => (self.joins, self.in_place) = (true, true),
            "keeps" => self.keeps = true,
            "publications" => {
                self.publications = value.split(", ").map(str::to_owned).collect();
            }
            "batch" => {
                self.batch_rows_max = value.parse().unwrap();
                self.alone = true;
            }
            "expect" => {
                self.expect = match value.split_once(' ').unwrap() {
                    ("refused", words) => Expect::Refused(words.to_owned()),
                    ("halted", words) => Expect::Halted(words.to_owned()),
                    _ => panic!("{}: nothing can be expected to be {value}", self.name),
                };
                self.alone = true;
            }
            _ => assert!(word.contains(' '), "{}: what is {word}?", self.name),
        }
    }
}

/// All cases, or those that `WALFERRY_CASES` asks for, in the order of their names.
pub fn all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let wanted = std::env::var("WALFERRY_CASES").unwrap_or_default();
    let mut cases = Vec::new();
    for area in folders(&root) {
        let area_name = area.file_name().unwrap().to_str().unwrap();
        let found = folders(&area)
            .into_iter()
            .map(|folder| Case::read(area_name, folder));
        cases.extend(found.filter(|case| case.name.contains(&wanted)));
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(!cases.is_empty(), "no case is called {wanted}");
    cases
}

fn folders(above: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(above)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).collect()
}
