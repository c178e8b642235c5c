//! Just enough of Rust's grammar to tell code, comments and literals apart.

/// A Rust file, taken apart.
pub struct Source {
    /// Relative to the root of the tree.
    pub path: String,
    /// As it is.
    pub text: String,
    /// The text with comments and the insides of literals blanked; line breaks stay.
    pub code: String,
    /// Where each string literal begins (byte), and what it holds, escapes as written.
    pub literals: Vec<(usize, String)>,
    /// Byte ranges that are only compiled for tests.
    tests: Vec<std::ops::Range<usize>>,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let (code, literals) = mask(text);
        let whole = path.ends_with("/tests.rs")
            || path.contains("/tests/")
            || path.ends_with("/test_server.rs");
        let tests = if whole {
            std::iter::once(0..text.len()).collect()
        } else {
            test_modules(&code)
        };
        Source {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            literals,
            tests,
        }
    }

    /// Whether the byte at `at` is only compiled for tests.
    pub fn in_tests(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// `path:line` of the byte at `at`.
    pub fn place(&self, at: usize) -> String {
        let line = 1 + self.text[..at].matches('\n').count();
        format!("{}:{line}", self.path)
    }

    /// Where `word` stands in the code that ships, as a word of its own.
    pub fn uses<'s>(&'s self, word: &'s str) -> impl Iterator<Item = usize> + 's {
        let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let first = word.as_bytes().first().copied().is_some_and(part);
        let last = word.as_bytes().last().copied().is_some_and(part);
        self.code.match_indices(word).filter_map(move |(at, _)| {
            let code = self.code.as_bytes();
            let before = at.checked_sub(1).and_then(|at| code.get(at));
            let after = code.get(at + word.len());
            let joined = first && before.is_some_and(|byte| part(*byte))
                || last && after.is_some_and(|byte| part(*byte));
            (!joined && !self.in_tests(at)).then_some(at)
        })
    }

    /// The end of the block whose `{` is the first one after `from`: one past its `}`.
    pub fn block_end(&self, from: usize) -> Option<usize> {
        block_end(&self.code, from)
    }
}

fn block_end(code: &str, from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return Some(at + 1),
            b'}' => depth = depth.checked_sub(1)?,
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Blocks behind `#[cfg(test)]` and `#[test]`-like modules.
fn test_modules(code: &str) -> Vec<std::ops::Range<usize>> {
    let starts = code.match_indices("#[cfg(test)]").map(|(at, _)| at);
    starts
        .filter_map(|at| Some(at..block_end(code, at)?))
        .collect()
}

/// The text with everything but code blanked, and the string literals.
fn mask(text: &str) -> (String, Vec<(usize, String)>) {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut literals = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if text[at..].starts_with("//") => line_end(bytes, at),
            b'/' if text[at..].starts_with("/*") => comment_end(text, at),
            b'"' => {
                let end = string_end(bytes, at + 1);
                literals.push((at, text[at + 1..end - 1].to_owned()));
                end
            }
            b'r' if is_raw(bytes, at) => {
                let hashes = bytes[at + 1..].iter().take_while(|b| **b == b'#').count();
                let close = format!("\"{}", "#".repeat(hashes));
                let inside = at + hashes + 2;
                let length = text[inside..].find(&close).unwrap_or(text.len() - inside);
                literals.push((at, text[inside..inside + length].to_owned()));
                (inside + length + close.len()).min(text.len())
            }
            b'\'' if char_end(bytes, at) > at + 1 => char_end(bytes, at),
            _ => {
                at += 1;
                continue;
            }
        };
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end.max(at + 1);
    }
    let code = String::from_utf8(code).unwrap();
    (code, literals)
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes[at..].iter().position(|byte| *byte == b'\n');
    rest.map_or(bytes.len(), |length| at + length)
}

fn comment_end(text: &str, at: usize) -> usize {
    let mut depth = 0_usize;
    let mut end = at;
    while end < text.len() {
        if text.as_bytes()[end..].starts_with(b"/*") {
            depth += 1;
            end += 2;
        } else if text.as_bytes()[end..].starts_with(b"*/") {
            depth -= 1;
            end += 2;
            if depth == 0 {
                break;
            }
        } else {
            end += 1;
        }
    }
    end
}

/// One past the closing quote of the literal whose inside begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// An `r` that begins a raw string, and does not end a word.
fn is_raw(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map(|before| bytes[before]);
    // br"…" and cr"…" are raw strings too
    let alone = before.is_none_or(|byte| {
        matches!(byte, b'b' | b'c') || !(byte.is_ascii_alphanumeric() || byte == b'_')
    });
    let quote = bytes[at + 1..].iter().find(|byte| **byte != b'#');
    alone && quote == Some(&b'"')
}

/// One past a character literal; a lifetime is left as it is.
fn char_end(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at + 1) == Some(&b'\\') {
        let rest = bytes[at + 3..].iter().position(|byte| *byte == b'\'');
        return rest.map_or(bytes.len(), |length| at + length + 4);
    }
    // one character of up to four bytes
    let close = bytes[at + 1..]
        .iter()
        .take(5)
        .position(|byte| *byte == b'\'');
    match close {
        Some(length @ 1..=4) if length == 1 || bytes[at + 1] >= 0x80 => at + length + 2,
        _ => at + 1,
    }
}

#[test]
fn comments_and_literals_are_told_from_code() {
    let text = "let a = \"x // \\\" {\"; // \"no\n/* { */ let b = 'q'; let c = '\"'; fn d<'e>() {}\n\
                let f = r#\"raw \" {\"#; let g = '\\''; let h = 'é'; bar(\"last\")";
    let source = Source::new("a.rs", text);
    let held: Vec<&str> = source.literals.iter().map(|(_, l)| l.as_str()).collect();
    assert_eq!(held, ["x // \\\" {", "raw \" {", "last"]);
    assert!(source.code.contains("fn d<'e>() {}"), "{}", source.code);
    assert_eq!(source.code.matches('{').count(), 1, "{}", source.code);
    assert_eq!(
        source.code.matches('\n').count(),
        text.matches('\n').count()
    );
}

#[test]
fn code_for_tests_is_known_as_such() {
    let text = "fn ships() { work() }\n#[cfg(test)]\nmod tests { fn t() { work() } }\nfn too() {}";
    let source = Source::new("a.rs", text);
    assert_eq!(source.uses("work").count(), 1);
    assert!(!source.in_tests(text.find("too").unwrap()));
    assert_eq!(Source::new("a/tests.rs", text).uses("work").count(), 0);
}
