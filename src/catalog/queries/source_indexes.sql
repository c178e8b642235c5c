-- The valid secondary indexes of the tables $1, without that of a replica identity. What follows ON is the definition without its
-- names: pg_get_indexdef writes exactly this beginning while search_path is empty.
SELECT i.indrelid AS oid,
       x.relname::pg_catalog.text AS name,
       pg_catalog.substr(
           d.definition,
           1 + pg_catalog.length(pg_catalog.format(
               'CREATE %sINDEX %I ON %s%I.%I ',
               CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END,
               x.relname,
               CASE WHEN c.relkind = 'p' THEN 'ONLY ' ELSE '' END,
               n.nspname, c.relname))
       ) AS tail,
       -- those of expressions and of the predicate are dependencies
       ARRAY(
           SELECT k.attnum
           FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) AS k (attnum)
           WHERE k.attnum > 0
           UNION
           SELECT d.refobjsubid::pg_catalog.int2
           FROM pg_catalog.pg_depend AS d
           WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
             AND d.objid = i.indexrelid
             AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
             AND d.refobjid = i.indrelid
             AND d.refobjsubid > 0
       ) AS columns
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS definition) AS d
WHERE i.indrelid = ANY ($1::pg_catalog.oid[])
  AND i.indisvalid
  AND NOT i.indisprimary
  AND NOT i.indisreplident
  AND NOT i.indisexclusion
ORDER BY i.indrelid, x.relname
