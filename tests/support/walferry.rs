//! Verbs other than a lasting `run`, and configurations that differ a little.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Pair;

/// Longer than any verb takes that ends by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a verb ended and what it printed.
pub struct Answer {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs `walferry --config <config> <arguments>` to its end.
pub async fn walferry(pair: &Pair, config: &Path, arguments: &[&str]) -> Answer {
    let work = Command::new(env!("CARGO_BIN_EXE_walferry"))
        .arg("--config")
        .arg(config)
        .args(arguments)
        .current_dir(pair.directory())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, work).await.unwrap().unwrap();
    Answer {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The configuration of the pair under another name, with each `from` replaced by its `to`.
pub fn edited_config(pair: &Pair, name: &str, edits: &[(&str, &str)]) -> PathBuf {
    let mut config = std::fs::read_to_string(pair.config()).unwrap();
    for (from, to) in edits {
        assert!(config.contains(from), "no {from} in:\n{config}");
        config = config.replace(from, to);
    }
    let path = pair.directory().join(name);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&path).unwrap();
    file.write_all(config.as_bytes()).unwrap();
    path
}
