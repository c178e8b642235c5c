//! walferry ferries the write-ahead log of one PostgreSQL database into another, exactly once.
//!
//! ```text
//!  source PostgreSQL                                                    destination PostgreSQL
//!  ┌────────┐  frames   ┌────────┐ transactions ┌───────┐  sealed batch ┌───────┐ one transaction
//!  │ source │ ────────▶ │ decode │ ───────────▶ │ batch │ ────────────▶ │ apply │ ─────────────▶ tables
//!  └────────┘           └────────┘   (pure)     └───────┘    (pure)     └───┬───┘                + checkpoint row
//!       ▲                                                                   │
//!       └──────────────────── feedback ◀──────── DurableLsn ◀────────── checkpoint
//!    snapshot: exported snapshot ─ COPY TO STDOUT ─▶ COPY FROM STDIN, joins the flow at the checkpoint
//! ```
//!
//! The modules, in the order in which a byte meets them:

pub mod config;
pub mod transport;

pub mod source;

pub mod decode;

pub mod spool;

pub mod batch;

pub mod apply;

pub mod checkpoint;

pub mod catalog;
pub mod protect;
pub mod snapshot;

pub mod pipeline;

pub mod cli;
pub mod demo;
pub mod observe;

#[cfg(test)]
#[path = "fuzz/tests.rs"]
mod fuzz;

pub mod error;
pub mod limits;
pub mod lsn;
pub mod printable;
pub mod sql;

pub use error::{Error, Kind, Result, Side};
pub use lsn::Lsn;
