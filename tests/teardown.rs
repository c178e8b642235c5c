//! Taking leave: what walferry made goes, what it found stays.

use crate::support::{Daemon, Pair, all_things, majors, things, walferry};

#[tokio::test]
async fn a_teardown_refuses_beside_a_daemon_asks_first_and_leaves_only_what_it_did_not_make() {
    let pair = Pair::start(majors().await[0]).await;
    let source = pair.on_source().await;
    // so that walferry may make its own publication
    let script = "DROP PUBLICATION walferry_app; CREATE TABLE t (id int PRIMARY KEY);
         ALTER TABLE t OWNER TO walferry; GRANT CREATE ON DATABASE app TO walferry;
         CREATE PUBLICATION theirs FOR ALL TABLES";
    source.batch_execute(script).await.unwrap();
    let untouched = all_things(&pair).await;
    let mut daemon = Daemon::start(&pair);
    daemon.wait_ready().await;
    let made = all_things(&pair).await;
    let teardown = ["teardown", "--yes"];
    walferry(&pair.config(), &teardown).await.ended(
        4,
        &["A daemon writes the pipeline app now", "Stop it first"],
    );
    assert_eq!(daemon.sigterm().await, Some(0));
    walferry(&pair.config(), &["teardown"])
        .await
        .ended(2, &["has to be confirmed", "Add --yes"]);
    assert_eq!(all_things(&pair).await, made);

    let says = ["slot walferry_app", "publication walferry_app", "Done."];
    walferry(&pair.config(), &teardown).await.ended(0, &says);
    assert_eq!(things(&source).await, untouched.0);
    let left = things(&pair.on_destination().await).await;
    let kept: Vec<&String> = left
        .iter()
        .filter(|thing| !untouched.1.contains(thing))
        .collect();
    assert_eq!(
        kept,
        [
            "relation app_public.t",
            "relation app_public.t_pkey",
            "schema app_public"
        ]
    );
    walferry(&pair.config(), &teardown)
        .await
        .ended(0, &["Nothing to drop"]);
}
