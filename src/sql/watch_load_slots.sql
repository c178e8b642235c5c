SELECT slot_name::text,
       GREATEST(pg_catalog.pg_wal_lsn_diff(
           CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                ELSE pg_catalog.pg_current_wal_flush_lsn() END, restart_lsn), 0)::bigint AS retained,
       wal_status,
       safe_wal_size
  FROM pg_catalog.pg_replication_slots
 WHERE temporary AND pg_catalog.starts_with(slot_name::text, $1::text)
