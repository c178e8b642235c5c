-- What the source server is and allows, for the connected role. Works from 10 on.
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_num,
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.current_setting('wal_level') AS wal_level,
       pg_catalog.current_setting('max_replication_slots')::pg_catalog.int8 AS max_replication_slots,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots) AS used_slots,
       pg_catalog.current_setting('max_wal_senders')::pg_catalog.int8 AS max_wal_senders,
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication) AS used_senders,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       d.oid AS database_oid,
       d.datname::pg_catalog.text AS database,
       pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding,
       r.rolname::pg_catalog.text AS role,
       r.rolreplication OR r.rolsuper OR EXISTS (
           SELECT FROM pg_catalog.pg_roles AS m
           WHERE m.rolname = 'rds_replication' AND pg_catalog.pg_has_role(m.oid, 'MEMBER')
       ) AS can_replicate,
       pg_catalog.has_database_privilege(d.oid, 'CREATE') AS can_create,
       -- the setting came with 13
       pg_catalog.current_setting('max_slot_wal_keep_size', true) AS max_slot_wal_keep_size
FROM pg_catalog.pg_database AS d, pg_catalog.pg_roles AS r
WHERE d.datname = pg_catalog.current_database() AND r.rolname = current_user
