//! `walferry discover`

use super::Outcome;
use crate::config::Config;
use crate::error::Result;

/// Options of `walferry discover`.
#[derive(Debug, clap::Args)]
pub struct Options {}
