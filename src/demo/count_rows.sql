SELECT pg_catalog.count(*) FROM {table}
