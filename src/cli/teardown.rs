//! `walferry teardown`

use super::Outcome;
use crate::config::Config;
use crate::error::Result;

/// Options of `walferry teardown`.
#[derive(Debug, clap::Args)]
pub struct Options {}
