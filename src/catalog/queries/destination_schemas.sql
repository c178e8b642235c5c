-- Those of the schemas $1 that exist, with the rights of the connected role.
SELECT n.nspname::pg_catalog.text AS name,
       pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS can_create,
       pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS can_use,
       pg_catalog.pg_has_role(n.nspowner, 'USAGE') AS owned
FROM pg_catalog.pg_namespace AS n
WHERE n.nspname = ANY ($1::pg_catalog.text[])
