//! `walferry run`

use super::Outcome;
use crate::config::Config;
use crate::error::Result;

/// Options of `walferry run`.
#[derive(Debug, clap::Args)]
pub struct Options {}
