-- The columns of table $1.$2, on the source only those that the publication lists; whether the
-- type is built in, and with which function it writes its bytes.
SELECT a.attname::text,
       format_type(a.atttypid, a.atttypmod),
       t.typnamespace = 'pg_catalog'::regnamespace,
       s.proname::text
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_proc AS s
  ON s.oid = t.typsend
 -- its own, or one for arrays, ranges or rows of any kind; refcursor borrows the one of text
 AND (s.proargtypes[0] = t.oid OR (SELECT typtype FROM pg_type WHERE oid = s.proargtypes[0]) = 'p')
LEFT JOIN pg_publication_rel AS r ON r.prrelid = c.oid
WHERE n.nspname = $1
  AND c.relname = $2
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND (r.prattrs IS NULL OR a.attnum = ANY (r.prattrs::int2[]))
