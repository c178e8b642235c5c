//! The ways that rows take into the destination.

use super::folder::Case;

/// A way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Everything has happened before the daemon starts.
    Snapshot,
    /// The changes happen while the daemon follows.
    Stream,
    /// The same, in batches of one change, as little memory as there may be, and one worker; the
    /// source sends large transactions before they commit, and all of them where it can be told to.
    StreamInBatchesOfOne,
}

impl Way {
    pub const ALL: [Way; 3] = [Way::Snapshot, Way::Stream, Way::StreamInBatchesOfOne];

    /// For names of databases and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Snapshot => "snapshot",
            Way::Stream => "stream",
            Way::StreamInBatchesOfOne => "batches_of_one",
        }
    }

    /// What is set in the database of the source.
    pub fn source_setting(self, major: u32) -> Option<&'static str> {
        match self {
            Way::Snapshot | Way::Stream => None,
            Way::StreamInBatchesOfOne if major >= 16 => {
                Some("debug_logical_replication_streaming = 'immediate'")
            }
            Way::StreamInBatchesOfOne => Some("logical_decoding_work_mem = '64kB'"),
        }
    }

    /// What it adds to the configuration for a case.
    pub fn config(self, case: &Case) -> String {
        let batch_rows_max = case.batch_rows_max;
        let publications = match case.publications.as_slice() {
            [] => String::new(),
            names => format!("[source.replication]\npublication = {names:?}\n"),
        };
        let more = match self {
            Way::Snapshot | Way::Stream => String::new(),
            Way::StreamInBatchesOfOne => format!(
                "[apply]\nbatch_rows_max = {batch_rows_max}\nmemory_max = \"1 MiB\"\n\
                 [snapshot]\nworkers = 1\n"
            ),
        };
        publications + &more
    }
}
