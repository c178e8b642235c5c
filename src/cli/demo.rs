//! `walferry demo`

use super::Outcome;
use crate::config::Config;
use crate::error::Result;

/// Options of `walferry demo`.
#[derive(Debug, clap::Args)]
pub struct Options {}
