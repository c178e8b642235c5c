-- Those of the roles $1 that exist.
SELECT r.rolname::pg_catalog.text AS name
FROM pg_catalog.pg_roles AS r
WHERE r.rolname = ANY ($1::pg_catalog.text[])
