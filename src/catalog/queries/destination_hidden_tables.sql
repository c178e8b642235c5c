-- The tables of schema $1 whose names begin with $2: what an unfinished load left behind.
SELECT n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1::pg_catalog.text
  AND c.relkind = 'r'
  AND pg_catalog.left(c.relname::pg_catalog.text, pg_catalog.length($2::pg_catalog.text)) = $2
