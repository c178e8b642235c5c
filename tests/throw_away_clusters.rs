//! The clusters that every other test stands on.

use crate::support::{Pair, compare, majors};
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

#[tokio::test]
async fn the_role_of_a_pair_can_do_what_it_must_and_no_more() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let admin = pair.on_source().await;
        let script = "CREATE SCHEMA s; CREATE TABLE s.t (a int); INSERT INTO s.t VALUES (1)";
        admin.batch_execute(script).await.unwrap();

        let source = pair.as_walferry(&pair.source, "app").await;
        source.batch_execute("SELECT * FROM s.t").await.unwrap();
        for refused in [
            "INSERT INTO s.t VALUES (2)",
            "CREATE SCHEMA x",
            "CREATE TABLE public.x ()",
        ] {
            assert!(source.batch_execute(refused).await.is_err(), "{refused}");
        }
        let destination = pair.as_walferry(&pair.destination, "warehouse").await;
        let script = "CREATE SCHEMA app_s; CREATE TABLE app_s.t (a int); CREATE TEMP TABLE x ()";
        destination.batch_execute(script).await.unwrap();
        let refused = destination.batch_execute("CREATE TABLE public.x ()").await;
        assert!(refused.is_err());

        destination
            .batch_execute("INSERT INTO app_s.t VALUES (1)")
            .await
            .unwrap();
        compare(&pair).await;
    }
}

#[tokio::test]
#[should_panic(expected = "different: s.t")]
async fn the_judge_sees_a_row_that_is_there_twice() {
    let major = majors().await[0];
    let pair = Pair::start(major).await;
    let script = "CREATE SCHEMA s; CREATE TABLE s.t (a int); INSERT INTO s.t VALUES (1)";
    pair.on_source().await.batch_execute(script).await.unwrap();
    let script =
        "CREATE SCHEMA app_s; CREATE TABLE app_s.t (a int); INSERT INTO app_s.t VALUES (1), (1)";
    pair.on_destination()
        .await
        .batch_execute(script)
        .await
        .unwrap();
    compare(&pair).await;
}
