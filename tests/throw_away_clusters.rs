//! The clusters that every other test stands on.

use crate::support::majors;
use walferry::demo::binaries::Binaries;
use walferry::demo::cluster::{Auth, Cluster, Stop};

#[tokio::test]
async fn a_cluster_keeps_its_rows_over_a_stop_and_a_crash_and_leaves_nothing_behind() {
    for major in majors().await {
        let binaries = Binaries::find(Some(major)).await.unwrap();
        let settings = [("max_prepared_transactions", "7")];
        let mut cluster = Cluster::create(&binaries, Auth::Scram, &settings)
            .await
            .unwrap();
        let client = cluster.superuser("postgres").await.unwrap();
        let batch =
            "CREATE TABLE t (v text); INSERT INTO t SELECT pg_catalog.current_setting('wal_level')";
        client.batch_execute(batch).await.unwrap();

        cluster.restart(Stop::Fast).await.unwrap();
        let client = cluster.superuser("postgres").await.unwrap();
        client
            .batch_execute(
                "INSERT INTO t SELECT pg_catalog.current_setting('max_prepared_transactions')",
            )
            .await
            .unwrap();

        cluster.kill9().await.unwrap();
        assert!(cluster.superuser("postgres").await.is_err());
        cluster.start().await.unwrap();
        let client = cluster.superuser("postgres").await.unwrap();
        let rows = client
            .query("SELECT v FROM t ORDER BY v", &[])
            .await
            .unwrap();
        let values: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(values, ["7", "logical"], "PostgreSQL {major}");

        cluster.stop(Stop::Immediate).await.unwrap();
        cluster.start().await.unwrap();
        let (home, port) = (cluster.socket_directory().to_owned(), cluster.port());
        drop(cluster);
        assert!(!home.exists(), "{} is still there", home.display());
        std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    }
}
