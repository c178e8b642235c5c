//! `walferry check`

use super::Outcome;
use crate::config::Config;
use crate::error::Result;

/// Options of `walferry check`.
#[derive(Debug, clap::Args)]
pub struct Options {}
