-- What is called $1[i].$2[i] among the types, and the type of its arrays.
SELECT n.nspname::pg_catalog.text AS schema,
       t.typname::pg_catalog.text AS name,
       t.oid,
       t.typarray AS array_oid
FROM ROWS FROM (
         pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
     ) AS w (schema, name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
JOIN pg_catalog.pg_type AS t ON t.typnamespace = n.oid AND t.typname = w.name
