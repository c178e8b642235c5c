//! A random history: transactions over a few tables of one lane.

use std::fmt::Write as _;

use fastrand::Rng;

const CHANGES: &str = include_str!("changes.sql");
const SHAPE_CHANGES: &str = include_str!("shape_changes.sql");

/// Tables that one history is about.
const TABLES: usize = 3;

/// Outlines of statements for one table.
struct Outline {
    table: &'static str,
    statements: Vec<&'static str>,
}

/// What happens in a lane, in steps any of which may be left out.
#[derive(Clone, Debug)]
pub struct History {
    /// Brings it back.
    pub seed: u64,
    /// Empties and fills the tables: a script.
    pub begin: String,
    /// Statements, BEGIN, COMMIT, and what is between.
    pub steps: Vec<String>,
}

impl History {
    /// Of rows, in a lane.
    pub fn of_rows(seed: u64) -> History {
        let mut random = Rng::with_seed(seed);
        let mut outlines = outlines(CHANGES);
        while outlines.len() > TABLES {
            outlines.swap_remove(random.usize(..outlines.len()));
        }
        let tables: Vec<&str> = outlines.iter().map(|outline| outline.table).collect();
        let mut begin = format!("TRUNCATE {};", tables.join(", "));
        for outline in &mut outlines {
            let first = outline.statements.remove(0);
            let _ = write!(begin, "\n{};", fill(first, &mut random));
        }
        History::random(seed, random, &outlines, begin)
    }

    /// Of shapes and rows.
    pub fn of_shapes(seed: u64) -> History {
        let random = Rng::with_seed(seed);
        History::random(seed, random, &outlines(SHAPE_CHANGES), String::new())
    }

    fn random(seed: u64, mut random: Rng, outlines: &[Outline], begin: String) -> History {
        let mut history = History {
            seed,
            begin,
            steps: Vec::new(),
        };
        for _ in 0..3 + random.usize(..8) {
            if random.usize(..5) < 2 {
                let statement = statement(outlines, &mut random);
                history.steps.push(statement);
            } else {
                history.transaction(outlines, &mut random);
            }
        }
        history
    }

    /// The same, but for its steps.
    pub fn with_steps(&self, steps: Vec<String>) -> History {
        History {
            steps,
            ..self.clone()
        }
    }

    fn transaction(&mut self, outlines: &[Outline], random: &mut Rng) {
        self.say("BEGIN");
        for _ in 0..=random.usize(..6) {
            match random.usize(..20) {
                0..=2 => self.say("SAVEPOINT s"),
                3..=4 => self.say("ROLLBACK TO s"),
                5 => self.say("RELEASE s"),
                _ => {}
            }
            self.steps.push(statement(outlines, random));
        }
        self.say(if random.usize(..8) == 0 {
            "ROLLBACK"
        } else {
            "COMMIT"
        });
    }

    fn say(&mut self, word: &str) {
        self.steps.push(word.to_owned());
    }

    /// The scripts of its transactions, in order. Words that mean nothing where they stand, since
    /// others were left out, are left out too.
    pub fn transactions(&self) -> Vec<String> {
        let mut scripts = Vec::new();
        let mut open: Option<(String, u32)> = None;
        for step in &self.steps {
            let statement = format!("{step};\n");
            let Some((script, savepoints)) = &mut open else {
                match step.as_str() {
                    "BEGIN" => open = Some((statement, 0)),
                    "COMMIT" | "ROLLBACK" | "SAVEPOINT s" | "ROLLBACK TO s" | "RELEASE s" => {}
                    _ => scripts.push(statement),
                }
                continue;
            };
            match step.as_str() {
                "BEGIN" => continue,
                "ROLLBACK TO s" | "RELEASE s" if *savepoints == 0 => continue,
                "SAVEPOINT s" => *savepoints += 1,
                "RELEASE s" => *savepoints -= 1,
                _ => {}
            }
            script.push_str(&statement);
            if matches!(step.as_str(), "COMMIT" | "ROLLBACK") {
                scripts.extend(open.take().map(|(script, _)| script));
            }
        }
        scripts.extend(open.map(|(script, _)| script + "COMMIT;\n"));
        scripts
    }

    /// For a person, or a case folder.
    pub fn script(&self) -> String {
        format!("{}\n\n{}", self.begin, self.transactions().concat())
    }
}

/// What a file of outlines says below its introduction.
fn outlines(file: &'static str) -> Vec<Outline> {
    let mut outlines: Vec<Outline> = Vec::new();
    for line in file.lines().skip_while(|line| !line.is_empty()) {
        if let Some(table) = line.strip_prefix("-- ") {
            outlines.push(Outline {
                table,
                statements: Vec::new(),
            });
        } else if !line.is_empty() {
            outlines.last_mut().unwrap().statements.push(line);
        }
    }
    outlines
}

fn statement(outlines: &[Outline], random: &mut Rng) -> String {
    let outline = &outlines[random.usize(..outlines.len())];
    loop {
        let line = outline.statements[random.usize(..outline.statements.len())];
        match line.strip_prefix("? ") {
            Some(rare) if random.usize(..4) == 0 => return fill(rare, random),
            Some(_) => {}
            None => return fill(line, random),
        }
    }
}

/// Puts values into an outline.
fn fill(outline: &str, random: &mut Rng) -> String {
    const TEXTS: [&str; 7] = [
        "''",
        "'a'",
        "'A'",
        "'copy'",
        "E'\\t\\\\N\\n'",
        "'NULL'",
        "'ö€𝄞'",
    ];
    const KEYS: [&str; 5] = ["'a'", "'A'", "'b'", "'c '", "''"];
    const NUMERICS: [&str; 7] = ["1", "1.0", "1.00", "2", "2.0", "-3", "'NaN'"];
    const FLOATS: [&str; 6] = ["0.0", "'-0.0'", "1e-307", "'NaN'", "'-Infinity'", "NULL"];
    const COLUMNS: [&str; 4] = ["a", "b", "c", "d"];
    const TYPES: [&str; 5] = ["int", "bigint", "text", "varchar(10)", "numeric(9,2)"];
    let mut text = outline.to_owned();
    let mut put = |name: &str, value: &mut dyn FnMut(&mut Rng) -> String| {
        let name = format!("{{{name}}}");
        if text.contains(&name) {
            text = text.replace(&name, &value(random));
        }
    };
    let one_of = |values: &'static [&'static str]| {
        move |random: &mut Rng| values[random.usize(..values.len())].to_owned()
    };
    let below = |from: usize, limit: usize| {
        move |random: &mut Rng| (from + random.usize(..limit)).to_string()
    };
    let or_null = |random: &mut Rng, value: String| match random.usize(..5) {
        0 => "NULL".to_owned(),
        _ => value,
    };
    put("x", &mut one_of(&COLUMNS));
    put("y", &mut one_of(&COLUMNS));
    put("type", &mut one_of(&TYPES));
    put("v", &mut below(0, 100));
    put("k", &mut below(1, 8));
    put("j", &mut below(1, 8));
    put("p", &mut below(0, 4));
    put("u", &mut one_of(&KEYS));
    put("w", &mut one_of(&KEYS));
    put("c", &mut one_of(&NUMERICS));
    put("d", &mut one_of(&NUMERICS));
    put("f", &mut one_of(&FLOATS));
    put("n", &mut |random| {
        let value = random.usize(..4).to_string();
        or_null(random, value)
    });
    put("t", &mut |random| {
        let value = one_of(&TEXTS)(random);
        or_null(random, value)
    });
    put("big", &mut |random| match random.usize(..6) {
        0 => "NULL".to_owned(),
        1 => "'short'".to_owned(),
        _ => format!("repeat('{}', 2500)", random.usize(..4)),
    });
    text
}
