//! `walferry status`

use super::Outcome;
use crate::config::Config;
use crate::error::Result;

/// Options of `walferry status`.
#[derive(Debug, clap::Args)]
pub struct Options {}
