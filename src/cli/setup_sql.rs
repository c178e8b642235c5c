//! `walferry setup-sql`

use super::Outcome;
use crate::config::Config;
use crate::error::Result;

/// Options of `walferry setup-sql`.
#[derive(Debug, clap::Args)]
pub struct Options {}
