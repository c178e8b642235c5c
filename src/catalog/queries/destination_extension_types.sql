-- Where the extensions $1[i] have put their types $2[i], as far as the connected role may use them.
SELECT e.extname::pg_catalog.text AS extension,
       t.typname::pg_catalog.text AS name,
       n.nspname::pg_catalog.text AS schema
FROM ROWS FROM (
         pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
     ) AS w (extension, name)
JOIN pg_catalog.pg_extension AS e ON e.extname = w.extension
JOIN pg_catalog.pg_depend AS d
  ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
 AND d.refobjid = e.oid
 AND d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
 AND d.deptype = 'e'
JOIN pg_catalog.pg_type AS t ON t.oid = d.objid AND t.typname = w.name
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  AND pg_catalog.has_type_privilege(t.oid, 'USAGE')
