-- The indexes of those of the tables $1[i].$2[i] that exist.
SELECT n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS table_name,
       i.relname::pg_catalog.text AS name
FROM ROWS FROM (
         pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
     ) AS w (schema, name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid
JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid
ORDER BY 1, 2, 3
