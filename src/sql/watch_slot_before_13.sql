WITH wal AS (
    SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                ELSE pg_catalog.pg_current_wal_flush_lsn() END AS wal_end,
           pg_catalog.pg_is_in_recovery() AS in_recovery
)
SELECT wal.wal_end,
       wal.in_recovery,
       GREATEST(pg_catalog.pg_wal_lsn_diff(wal.wal_end, slot.restart_lsn), 0)::bigint AS retained,
       NULL::text AS wal_status,
       NULL::bigint AS safe_wal_size
  FROM wal LEFT JOIN pg_catalog.pg_replication_slots AS slot ON slot.slot_name = $1::text
