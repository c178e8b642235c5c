-- Which of the roles $2 lack USAGE on which of the schemas $1, as far as both exist.
SELECT n.nspname::pg_catalog.text AS schema, r.rolname::pg_catalog.text AS role
FROM pg_catalog.pg_namespace AS n
CROSS JOIN pg_catalog.pg_roles AS r
WHERE n.nspname = ANY ($1::pg_catalog.text[]) AND r.rolname = ANY ($2::pg_catalog.text[])
  AND NOT pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE')
ORDER BY 1, 2
