//! demo
pub mod binaries;
pub mod cluster;
pub mod scratch;
