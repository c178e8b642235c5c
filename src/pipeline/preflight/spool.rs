//! Findings about the directory in which large transactions wait for their commit. Without it the
//! source keeps them, so nothing of this stops a pipeline.

use std::io;

use bytesize::ByteSize;
use tokio::task::spawn_blocking;

use super::report::{Finding, Report};
use crate::config::Apply;
use crate::limits::SPOOL_ROOM_MIN;
use crate::spool;

const SUBJECT: &str = "spool";

/// What is to be said of it, as the user who asks may use it.
pub async fn spool(config: &Apply) -> Vec<Finding> {
    let mut report = Report::default();
    if config.spool_bytes_max == 0 {
        let what = "Large transactions are left to the source until they commit (spool_max = 0)";
        report.ok_here(SUBJECT, what);
        return report.into_findings();
    }
    let directory = config.spool_directory.clone();
    let room = spawn_blocking(move || spool::room(&directory)).await;
    match room.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(room) => has_room(config, room, &mut report),
        Err(error) => cannot_be_used(config, &error, &mut report),
    }
    report.into_findings()
}

fn has_room(config: &Apply, room: u64, report: &mut Report) {
    let directory = config.spool_directory.display();
    let (most, room_shown) = (config.spool_bytes_max, ByteSize(room));
    let what = format!(
        "Large transactions may take {} in {directory}, which has {room_shown} left",
        ByteSize(most)
    );
    if room >= most.min(SPOOL_ROOM_MIN) {
        report.ok_here(SUBJECT, what);
        return;
    }
    let remedy = "Give [apply] spool_dir a directory with more room, or set spool_max to what may \
                  be used. Past either, the source keeps large transactions on its own disk until \
                  they commit.";
    report.warning_here(SUBJECT, what, remedy);
}

fn cannot_be_used(config: &Apply, error: &io::Error, report: &mut Report) {
    let what = format!(
        "No file can be written in {}, so that the source keeps large transactions on its own \
         disk until they commit: {error}",
        config.spool_directory.display()
    );
    let remedy = "Make the directory of [apply] spool_dir, owned by the user that walferry runs \
                  as, or name another one; spool_max = \"0\" does without.";
    report.warning_here(SUBJECT, what, remedy);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::report::Level;
    use super::*;

    fn config(directory: &Path, most: u64) -> Apply {
        Apply {
            batch_rows_max: 1,
            memory_bytes_max: 1 << 20,
            spool_directory: directory.to_owned(),
            spool_bytes_max: most,
            statement_timeout: None,
            lock_timeout: None,
        }
    }

    async fn found(directory: &Path, most: u64) -> Finding {
        let mut findings = spool(&config(directory, most)).await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.swap_remove(0)
    }

    #[tokio::test]
    async fn a_directory_that_takes_no_file_is_a_warning_that_names_it_and_the_key() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(found(directory.path(), 4096).await.level, Level::Ok);
        assert!(directory.path().read_dir().unwrap().next().is_none());
        let file = directory.path().join("a file");
        std::fs::write(&file, "").unwrap();
        for path in [directory.path().join("nowhere"), file] {
            let finding = found(&path, 4096).await;
            assert_eq!(finding.level, Level::Warning);
            assert!(finding.what.contains(path.to_str().unwrap()), "{finding:?}");
            assert!(finding.remedy.unwrap().contains("[apply] spool_dir"));
            assert_eq!(found(&path, 0).await.level, Level::Ok, "it is not used");
        }
    }

    #[test]
    fn a_disk_that_is_nearly_full_is_a_warning_unless_the_spool_may_not_take_more() {
        let level = |room, most| {
            let mut report = Report::default();
            has_room(&config(Path::new("/x"), most), room, &mut report);
            report.into_findings()[0].level
        };
        assert_eq!(level(SPOOL_ROOM_MIN, u64::MAX), Level::Ok);
        assert_eq!(level(SPOOL_ROOM_MIN - 1, u64::MAX), Level::Warning);
        assert_eq!(level(4096, 4096), Level::Ok);
    }
}
