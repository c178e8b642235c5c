//! pipeline

pub mod preflight;
