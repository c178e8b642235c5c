SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 AS version_num
