-- The running server: clones of a cluster share the system identifier, but were started apart.
SELECT system_identifier::pg_catalog.text || ' started '
       || pg_catalog.pg_postmaster_start_time()::pg_catalog.text AS instance
FROM pg_catalog.pg_control_system()
