//! Commits that wait for a standby which never comes: they are there and sent, and nobody is told.

use tokio_postgres::Client;

use super::{do_on, until};

const WAITS: &str = "wait_event = 'SyncRep'";

/// From now on those of this server do; `probe` is another session of it.
pub async fn commits_wait(server: &Client, probe: &Client) {
    let never = "ALTER SYSTEM SET synchronous_standby_names = 'nobody'";
    do_on(server, never).await;
    do_on(server, "SELECT pg_reload_conf()").await;
    let pid = probe.query_one("SELECT pg_backend_pid()", &[]).await;
    let pid: i32 = pid.unwrap().get(0);
    let waits = format!("SELECT count(*) = 1 FROM pg_stat_activity WHERE {WAITS} AND pid = {pid}");
    // it is in force once the checkpointer has heard of it
    let commit = async {
        loop {
            do_on(probe, "SELECT pg_logical_emit_message(true, 'probe', '')").await;
        }
    };
    tokio::select! {
        () = commit => {}
        () = until(server, &waits) => {}
    }
    do_on(server, &format!("SELECT pg_cancel_backend({pid})")).await;
}

/// From now on they no longer do.
pub async fn commits_go_on(server: &Client) {
    let go_on = "ALTER SYSTEM RESET synchronous_standby_names";
    do_on(server, go_on).await;
    do_on(server, "SELECT pg_reload_conf()").await;
}
