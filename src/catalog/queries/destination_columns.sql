-- The columns of the relations $1. Values of 24 bytes and less stay in their row; longer ones leave
-- it when it is too long, but for types whose values never do.
SELECT a.attrelid AS oid,
       a.attnum,
       a.attname::pg_catalog.text AS name,
       a.atttypid AS type_oid,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name,
       t.typnamespace = b.oid AND COALESCE(e.typnamespace = b.oid, true) AS type_is_builtin,
       a.attnotnull AS not_null,
       a.atttypmod AS type_modifier,
       CASE WHEN a.attgenerated <> '' THEN (
           SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid)
             FROM pg_catalog.pg_attrdef AS d
            WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
       ) END AS generated,
       a.attidentity AS identity,
       CASE WHEN t.typlen > 0 THEN t.typlen::integer
            WHEN t.typstorage <> 'p' THEN 24
            ELSE pg_catalog.current_setting('block_size')::integer
       END + CASE t.typalign WHEN 'c' THEN 0 WHEN 's' THEN 1 WHEN 'i' THEN 3 ELSE 7 END
           AS inline_bytes
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_namespace AS b ON b.nspname = 'pg_catalog'
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type AS e ON t.typcategory = 'A' AND e.oid = t.typelem
WHERE a.attrelid = ANY ($1::pg_catalog.oid[]) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
