-- The columns of table $1.$2, on the source only those that the publication lists; with the
-- function that writes the bytes of a built-in type.
SELECT a.attname::text,
       format_type(a.atttypid, a.atttypmod),
       CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN s.proname::text END
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_proc AS s ON s.oid = t.typsend
LEFT JOIN pg_publication_rel AS r ON r.prrelid = c.oid
WHERE n.nspname = $1
  AND c.relname = $2
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND (r.prattrs IS NULL OR a.attnum = ANY (r.prattrs::int2[]))
