//! Physical copies of a source: backups, and standbys that follow it.

use std::path::{Path, PathBuf};

use tokio::process::Command;
use walferry::demo::binaries::Binaries;
use walferry::demo::cluster::{Auth, Cluster, Stop};
use walferry::demo::scratch::Scratch;

use super::Pair;
use super::stopped::{do_on, until};
use super::verb::run;

/// The data of a cluster as they were.
pub struct Backup {
    scratch: Scratch,
    binaries: Binaries,
}

impl Backup {
    /// A base backup of the running source, as `pg_basebackup` makes one: with the log that makes
    /// it whole, and without slots.
    pub async fn take(pair: &Pair) -> Backup {
        let session = pair.on_source().await;
        do_on(&session, "SELECT pg_backup_start('walferry', true)").await;
        let backup = Backup::copy(&pair.source).await;
        let label = "SELECT labelfile FROM pg_backup_stop(false)";
        let label: String = session.query_one(label, &[]).await.unwrap().get(0);
        let (log, slots) = (
            backup.data().join("pg_wal"),
            backup.data().join("pg_replslot"),
        );
        std::fs::remove_dir_all(&log).unwrap();
        copy(&pair.source.data_directory().join("pg_wal"), &log).await;
        for slot in std::fs::read_dir(slots).unwrap() {
            std::fs::remove_dir_all(slot.unwrap().path()).unwrap();
        }
        std::fs::remove_file(backup.data().join("postmaster.pid")).unwrap();
        write_as_server(
            &backup.binaries,
            &backup.data().join("backup_label"),
            &label,
        );
        backup
    }

    /// The files of the stopped source, slots and all.
    pub async fn of_files(pair: &Pair) -> Backup {
        Backup::copy(&pair.source).await
    }

    async fn copy(cluster: &Cluster) -> Backup {
        let binaries = cluster.binaries().clone();
        let scratch = Scratch::create("backup", binaries.user()).unwrap();
        let backup = Backup { scratch, binaries };
        copy(&cluster.data_directory(), &backup.data()).await;
        backup
    }

    fn data(&self) -> PathBuf {
        self.scratch.path().join("data")
    }

    /// Puts it in the place of the stopped cluster's data, with that one's settings.
    pub async fn put_into(&self, cluster: &Cluster) {
        let data = cluster.data_directory();
        let settings = ["postgresql.conf", "pg_hba.conf"];
        let settings = settings.map(|file| (file, std::fs::read(data.join(file)).unwrap()));
        std::fs::remove_dir_all(&data).unwrap();
        copy(&self.data(), &data).await;
        for (file, content) in settings {
            // into the file that is there, which has the right owner
            std::fs::write(data.join(file), content).unwrap();
        }
    }

    /// Has the cluster that it was put into recover from an archive, in which there is no more.
    pub fn recover_from_archive(&self, cluster: &Cluster) {
        write_as_server(
            &self.binaries,
            &cluster.data_directory().join("recovery.signal"),
            "",
        );
    }

    /// A standby that begins with it and follows the source through the physical slot `standby`.
    pub async fn standby(&self, pair: &Pair) -> Cluster {
        let connection = format!(
            "host={} port={} user=postgres dbname=postgres",
            pair.source.socket_directory().display(),
            pair.source.port()
        );
        let settings = [
            ("primary_conninfo", connection.as_str()),
            ("primary_slot_name", "standby"),
            ("hot_standby_feedback", "on"),
            ("wal_receiver_status_interval", "1s"),
        ];
        let mut standby = Cluster::create(&self.binaries, Auth::Scram, &settings)
            .await
            .unwrap();
        standby.stop(Stop::Fast).await.unwrap();
        self.put_into(&standby).await;
        write_as_server(
            &self.binaries,
            &standby.data_directory().join("standby.signal"),
            "",
        );
        standby.start().await.unwrap();
        standby
    }
}

/// Ends the source, and puts the standby into its place in the pair and its configuration.
pub async fn fail_over(pair: &mut Pair, standby: Cluster) {
    pair.source.stop(Stop::Immediate).await.unwrap();
    pair.source = standby;
    pair.write_config("walferry.toml", "");
}

/// Makes a primary of the standby that the source is.
pub async fn promote(pair: &Pair) {
    until(&pair.on_source().await, "SELECT pg_promote()").await;
}

/// `cp -a`; what goes away meanwhile need not be in a backup.
async fn copy(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    command.arg("-a").arg(from).arg(to).env("LC_ALL", "C");
    let ran = run(&mut command).await;
    let gone = |line: &str| line.contains("No such file or directory");
    assert!(ran.err.lines().all(gone), "{ran:?}");
}

/// Writes a file that belongs to the account that servers run as.
fn write_as_server(binaries: &Binaries, path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
    if let Some(user) = binaries.user() {
        std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).unwrap();
    }
}
