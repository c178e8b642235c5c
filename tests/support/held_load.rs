//! A load that stands still with some ranges of its large table done, for as long as a test needs.

use tokio_postgres::Client;

use super::{do_on, until};

/// Once a load has noted a range, the next ones wait for a lock before they are noted: one after
/// the other, so that no two are the first.
const HOLD: &str = "
    CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE noted boolean;
    BEGIN
        PERFORM pg_catalog.pg_advisory_xact_lock(2);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', TG_TABLE_SCHEMA, TG_TABLE_NAME)
            INTO noted;
        IF noted THEN PERFORM pg_catalog.pg_advisory_xact_lock_shared(1); END IF;
        RETURN NEW;
    END $$;
    CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    DECLARE made text;
    BEGIN
        FOR made IN SELECT object_identity FROM pg_catalog.pg_event_trigger_ddl_commands()
                     WHERE object_type = 'table' AND object_identity ~ '_ranges$' LOOP
            EXECUTE format('CREATE TRIGGER wait BEFORE INSERT ON %s FOR EACH ROW
                            EXECUTE FUNCTION public.wait()', made);
        END LOOP;
    END $$;
    CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
        EXECUTE FUNCTION public.watch();
    SET synchronous_commit = local;
    SELECT pg_catalog.pg_advisory_lock(1)";

/// Each of two workers has read a range that it may not note.
const HELD: &str = "
    SELECT count(*) = 2 FROM pg_catalog.pg_locks AS l
    JOIN pg_catalog.pg_stat_activity AS a USING (pid)
    WHERE NOT l.granted AND l.locktype = 'advisory'
      AND a.application_name = 'walferry snapshot worker'";

/// From now on the loads of this destination stop between two ranges. The session is a superuser's;
/// its commits wait for no standby.
pub async fn hold_loads(destination: &Client) {
    do_on(destination, HOLD).await;
}

/// Waits until a load by two workers stands still.
pub async fn until_held(observer: &Client) {
    until(observer, HELD).await;
}

/// Lets them go on. It is the session that holds them.
pub async fn let_loads_go_on(destination: &Client) {
    let go_on = "DROP EVENT TRIGGER watch; SELECT pg_catalog.pg_advisory_unlock(1)";
    do_on(destination, go_on).await;
}
