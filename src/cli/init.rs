//! `walferry init`

use super::Outcome;
use crate::config::Config;
use crate::error::Result;

/// Options of `walferry init`.
#[derive(Debug, clap::Args)]
pub struct Options {}
