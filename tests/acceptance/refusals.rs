//! The destination does not take what the source has.

use crate::support::{Daemon, Pair, Pgbench, equal_soon, majors};

#[tokio::test]
async fn a_lost_right_halts_by_name_and_once_it_is_back_nothing_is_missing() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        Pgbench::init(&pair, 1).await;
        let load = Pgbench::start(&pair);
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;

        let administrator = pair.on_destination().await;
        let revoke = "REVOKE INSERT ON app_public.pgbench_history FROM walferry";
        administrator.batch_execute(revoke).await.unwrap();
        let log = halted(daemon, &pair).await;
        for word in [
            "permission denied",
            "pgbench_history",
            "at LSN ",
            "42501",
            "hint:",
        ] {
            assert!(log.contains(word), "{word}:\n{log}");
        }

        let grant = "GRANT INSERT ON app_public.pgbench_history TO walferry";
        administrator.batch_execute(grant).await.unwrap();
        let daemon = Daemon::start(&pair);
        load.stop(&pair).await;
        Pgbench::arrived(&pair).await;
        assert_eq!(daemon.sigterm().await, Some(0), "PostgreSQL {major}");
    }
}

#[tokio::test]
async fn a_row_written_or_deleted_by_others_halts_by_name_and_is_not_quoted() {
    for major in majors().await {
        let pair = Pair::start(major).await;
        let (source, destination) = (pair.on_source().await, pair.on_destination().await);
        source
            .batch_execute(
                "CREATE TABLE public.kept (id int PRIMARY KEY, note text);
                 INSERT INTO public.kept VALUES (1, 'canary-1')",
            )
            .await
            .unwrap();
        let mut daemon = Daemon::start(&pair);
        daemon.wait_ready().await;

        let local = "INSERT INTO app_public.kept VALUES (2020120201, 'canary-local')";
        destination.batch_execute(local).await.unwrap();
        let same_key = "INSERT INTO public.kept VALUES (2020120201, 'canary-source')";
        source.batch_execute(same_key).await.unwrap();
        let log = halted(daemon, &pair).await;
        for word in ["kept_pkey", "23505", "locally written row"] {
            assert!(log.contains(word), "{word}:\n{log}");
        }
        names_the_table_and_quotes_nothing(&log);

        let undo = "DELETE FROM app_public.kept WHERE id = 2020120201";
        destination.batch_execute(undo).await.unwrap();
        let mut daemon = Daemon::start(&pair);
        equal_soon(&pair).await;
        daemon.wait_ready().await;

        let gone = "DELETE FROM app_public.kept WHERE id = 2020120201";
        destination.batch_execute(gone).await.unwrap();
        let update = "UPDATE public.kept SET note = 'canary-new' WHERE id = 2020120201";
        source.batch_execute(update).await.unwrap();
        let log = halted(daemon, &pair).await;
        assert!(log.contains("Somebody else wrote to the table"), "{log}");
        names_the_table_and_quotes_nothing(&log);

        let undo = "INSERT INTO app_public.kept VALUES (2020120201, 'canary-source')";
        destination.batch_execute(undo).await.unwrap();
        let daemon = Daemon::start(&pair);
        equal_soon(&pair).await;
        assert_eq!(daemon.sigterm().await, Some(0), "PostgreSQL {major}");
    }
}

/// What this daemon logged, once it has ended with the code that asks for an operator.
async fn halted(daemon: Daemon, pair: &Pair) -> String {
    let code = daemon.wait_exit().await;
    let log = std::fs::read_to_string(pair.directory().join("walferry.log")).unwrap();
    let (_, last) = log.rsplit_once("walferry starts").unwrap();
    assert_eq!(code, Some(4), "{last}");
    last.to_owned()
}

fn names_the_table_and_quotes_nothing(log: &str) {
    for word in ["table app_public.kept", "at LSN ", "hint:"] {
        assert!(log.contains(word), "{word}:\n{log}");
    }
    for value in ["canary", "2020120201"] {
        assert!(!log.contains(value), "{value}:\n{log}");
    }
}
