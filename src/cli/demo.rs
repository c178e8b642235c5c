//! `walferry demo`

use super::Outcome;
use crate::demo;
use crate::error::Result;

/// Options of `walferry demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// End by itself after this many seconds of writing; default: at Ctrl-C
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Port of the status page on 127.0.0.1; default: 9780, or any when that is in use
    #[arg(long)]
    port: Option<u16>,
}

pub(super) async fn run(options: &Options) -> Result<Outcome> {
    let options = demo::Options {
        seconds: options.seconds,
        http_port: options.port,
    };
    Box::pin(demo::run(options)).await?;
    Ok(Outcome::Done)
}
