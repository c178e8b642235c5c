-- Which types of pg_catalog with the oids $1, the same in every version that has them, there are.
SELECT t.oid
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
WHERE t.oid = ANY ($1::pg_catalog.oid[]) AND n.nspname = 'pg_catalog'
