//! `walferry init`

use std::io::Write;

use super::Outcome;
use crate::error::Result;

/// Every key with its meaning, unit and default.
const EXAMPLE: &str = include_str!("../../config/walferry.example.toml");

/// Options of `walferry init`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {}

/// Prints a commented configuration, to be redirected into `walferry.toml` and filled in.
pub(super) fn run(_options: &Options) -> Result<Outcome> {
    let mut out = std::io::stdout().lock();
    out.write_all(EXAMPLE.as_bytes())?;
    out.flush()?;
    Ok(Outcome::Done)
}
