-- Rows and a hash over all of them as text, in an order that both sides agree on.
SELECT pg_catalog.count(*),
       pg_catalog.md5(pg_catalog.string_agg(hashed.row_hash, '' ORDER BY hashed.row_hash COLLATE pg_catalog."C"))
FROM (
    SELECT pg_catalog.md5(ROW(copied.*)::pg_catalog.text) AS row_hash FROM {table} AS copied
) AS hashed
