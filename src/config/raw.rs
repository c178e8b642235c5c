//! What was written: the file, and over it the environment, as one tree.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat, Map, Value, ValueKind};

use super::secret_file;
use crate::error::{Error, Kind, Result};

/// Where the file is looked for when the command line names none, in this order.
const PLACES: [&str; 2] = ["walferry.toml", "/etc/walferry/walferry.toml"];

/// What the names of our environment variables start with; also what stands between their parts.
const PREFIX: &str = "WALFERRY__";

/// How the `config` crate names the origin of an environment variable's value.
pub(super) const FROM_ENVIRONMENT: &str = "the environment";

/// The tree and what has to be known about the file that it came from.
#[derive(Debug)]
pub(super) struct Written {
    /// Sections and keys; values of the environment are text, with [`FROM_ENVIRONMENT`] as origin.
    pub(super) tree: Map<String, Value>,
    /// The file, if one was read.
    pub(super) file: Option<PathBuf>,
    /// Why others than the owner can read the file, if they can.
    pub(super) exposed: Option<String>,
}

/// Reads the file and lays our variables of `environment` over it.
pub(super) fn read(
    named: Option<&Path>,
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Written> {
    let ours = our_variables(environment)?;
    let file = find(named)?;
    let mut text = String::new();
    let mut exposed = None;
    if let Some(path) = &file {
        text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        exposed = secret_file::exposure(path).unwrap_or_default();
    } else if ours.is_empty() {
        return Err(Error::new(
            Kind::Config,
            format!(
                "There is no configuration: neither ./{} nor {}",
                PLACES[0], PLACES[1]
            ),
        )
        .remedy("Write one with `walferry init > walferry.toml`, or name it with --config."));
    }
    let tree = merge(&text, file.as_deref(), ours)?;
    Ok(Written {
        tree,
        file,
        exposed,
    })
}

/// A TOML text with the variables, whose names are whole, laid over it.
pub(super) fn merge(
    text: &str,
    file: Option<&Path>,
    variables: Map<String, String>,
) -> Result<Map<String, Value>> {
    check_syntax(text, file)?;
    // The prefix is cut off by us: the crate would match it without regard to case.
    let variables = Environment::default()
        .separator("__")
        .source(Some(variables));
    let merged = Config::builder()
        .add_source(File::from_str(text, FileFormat::Toml))
        .add_source(variables)
        .build()
        .map_err(|error| Error::new(Kind::Config, format!("Could not read it: {error}")))?;
    match merged.cache.kind {
        ValueKind::Table(tree) => Ok(tree),
        _ => Ok(Map::new()),
    }
}

/// Our own parse, because the crate's message quotes the line, which may hold a password.
fn check_syntax(text: &str, file: Option<&Path>) -> Result<()> {
    let Err(error) = toml::de::DeTable::parse(text) else {
        return Ok(());
    };
    let before = error.span().and_then(|span| text.get(..span.start));
    let place = before.map_or_else(String::new, |before| {
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        format!(" at line {line}, column {column}")
    });
    let file = file.map_or_else(
        || "The configuration".to_owned(),
        |f| f.display().to_string(),
    );
    let message = error.message().replace('\n', ", ");
    Err(Error::new(
        Kind::Config,
        format!("{file} is not TOML{place}: {message}"),
    )
    .remedy(
        "Text goes in quotes: \"…\", or '…' when it holds a backslash; `walferry init` shows every \
         key as it should look.",
    ))
}

fn find(named: Option<&Path>) -> Result<Option<PathBuf>> {
    if let Some(path) = named {
        return Ok(Some(path.to_owned()));
    }
    for place in PLACES {
        let path = Path::new(place);
        match path.try_exists() {
            Ok(true) => return Ok(Some(path.to_owned())),
            Ok(false) => {}
            Err(error) => return Err(unreadable(path, &error)),
        }
    }
    Ok(None)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let remedy = match error.kind() {
        ErrorKind::NotFound => {
            "Name the right file with --config, or write one with `walferry init`."
        }
        ErrorKind::PermissionDenied => "Make the file readable for the user that walferry runs as.",
        _ => "The configuration is a TOML file in UTF-8.",
    };
    Error::new(
        Kind::Config,
        format!(
            "The configuration {} cannot be read: {error}",
            path.display()
        ),
    )
    .remedy(remedy)
}

/// Our variables without their prefix. One that is not UTF-8 is refused without being quoted.
fn our_variables(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Map<String, String>> {
    let mut ours = Map::new();
    for (name, value) in environment {
        let Some(key) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else {
            continue;
        };
        let value = value.into_string().map_err(|_| {
            Error::new(Kind::Config, format!("{PREFIX}{key} is not valid UTF-8"))
                .remedy("Set the variable to text in UTF-8.")
        })?;
        ours.insert(key.to_owned(), value);
    }
    Ok(ours)
}

/// The variable that sets `path`.
pub(super) fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.to_uppercase().replace('.', "__"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{Target, fuzz, outcome_of_text};

    #[test]
    fn a_syntax_error_names_the_place_and_does_not_quote_the_line() {
        let text = "[source]\npassword = \"canary\nport = 1\n";
        let error = merge(text, Some(Path::new("w.toml")), Map::new()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("w.toml is not TOML at line 2"),
            "{error}"
        );
        assert!(!error.to_string().contains("canary"), "{error}");
        assert_eq!(error.kind(), Kind::Config);
    }

    #[test]
    fn a_variable_that_is_not_utf8_is_named_and_not_quoted() {
        use std::os::unix::ffi::OsStringExt;
        let value = OsString::from_vec(b"canary\xff".to_vec());
        let error = read(
            None,
            [("WALFERRY__SOURCE__PASSWORD".into(), value)].into_iter(),
        )
        .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("WALFERRY__SOURCE__PASSWORD"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }

    #[test]
    fn a_file_that_was_named_must_exist() {
        let error = read(Some(Path::new("/nowhere/w.toml")), std::iter::empty()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/w.toml"), "{error}");
        assert_eq!(error.kind(), Kind::Config);
    }

    #[test]
    fn fuzzed_configurations_never_panic() {
        let example = include_str!("../../config/walferry.example.toml");
        let mut sections: Vec<Vec<u8>> = Vec::new();
        for section in example.split("\n\n") {
            let bare = section
                .replace("\n#", "\n")
                .replace("\"secret\"", "\"k4n4r1\"");
            sections.push(bare.into_bytes());
        }
        let target = Target {
            name: "configuration",
            one_in: 500,
            times: 4_096,
            samples: sections,
        };
        fuzz(target, |bytes| {
            let Err(error) = crate::config::parse(&String::from_utf8_lossy(bytes)) else {
                return 0;
            };
            outcome_of_text(&error.to_string())
        });
    }
}
