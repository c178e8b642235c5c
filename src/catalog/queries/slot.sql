-- The replication slot $1. wal_status and safe_wal_size came with 13, synced with 17.
SELECT s.plugin::pg_catalog.text AS plugin,
       s.slot_type AS slot_type,
       s.database::pg_catalog.text AS database,
       s.active AS active,
       s.active_pid AS active_pid,
       s.confirmed_flush_lsn::pg_catalog.text AS confirmed_flush_lsn,
       s.restart_lsn::pg_catalog.text AS restart_lsn,
       pg_catalog.to_jsonb(s) ->> 'wal_status' AS wal_status,
       (pg_catalog.to_jsonb(s) ->> 'safe_wal_size')::pg_catalog.int8 AS safe_wal_size,
       COALESCE((pg_catalog.to_jsonb(s) ->> 'synced')::pg_catalog.bool, false) AS synced
FROM pg_catalog.pg_replication_slots AS s
WHERE s.slot_name = $1::pg_catalog.text
