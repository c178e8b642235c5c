//! `walferry demo`

use super::Outcome;
use crate::error::Result;

/// Options of `walferry demo`.
#[derive(Debug, clap::Args)]
pub struct Options {}

pub(super) async fn run(_options: &Options) -> Result<Outcome> {
    std::future::pending().await
}
