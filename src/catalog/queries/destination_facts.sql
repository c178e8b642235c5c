-- What the destination server is and allows, for the connected role.
SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_num,
       pg_catalog.current_setting('server_version') AS version,
       pg_catalog.pg_is_in_recovery() AS in_recovery,
       pg_catalog.current_setting('default_transaction_read_only')::pg_catalog.bool AS read_only,
       d.oid AS database_oid,
       d.datname::pg_catalog.text AS database,
       pg_catalog.pg_encoding_to_char(d.encoding)::pg_catalog.text AS encoding,
       current_user::pg_catalog.text AS role,
       pg_catalog.has_database_privilege(d.oid, 'CREATE') AS can_create,
       pg_catalog.has_database_privilege(d.oid, 'TEMPORARY') AS can_temporary
FROM pg_catalog.pg_database AS d
WHERE d.datname = pg_catalog.current_database()
