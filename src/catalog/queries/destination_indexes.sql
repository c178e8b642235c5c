-- The names of the indexes of the table $1.$2.
SELECT i.relname::pg_catalog.text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid
JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
WHERE n.nspname = $1::pg_catalog.text::pg_catalog.name
  AND c.relname = $2::pg_catalog.text::pg_catalog.name
ORDER BY 1
