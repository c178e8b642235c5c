-- The columns of table $1.$2, on the source only those that the publication lists; whether the
-- type is built in, with which function it writes its bytes, and where the type (of arrays: that of
-- the elements) comes from.
SELECT a.attname::text,
       format_type(a.atttypid, a.atttypmod),
       t.typnamespace = 'pg_catalog'::regnamespace,
       s.proname::text,
       ln.nspname::text,
       l.typname::text,
       l.oid <> t.oid,
       CASE
           WHEN l.typrelid <> 0
            AND (SELECT relkind FROM pg_class WHERE oid = l.typrelid) <> 'c' THEN 'row'
           WHEN EXISTS (
               SELECT FROM pg_depend AS d
               WHERE d.classid = 'pg_type'::regclass AND d.deptype = 'e'
                 AND d.objid IN (
                     l.oid, l.typbasetype, (SELECT rngsubtype FROM pg_range WHERE rngtypid = l.oid)
                 )
           ) THEN 'extension'
           ELSE 'user'
       END
FROM pg_attribute AS a
JOIN pg_class AS c ON c.oid = a.attrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS l
  ON l.oid = CASE WHEN t.typtype = 'b' AND t.typcategory = 'A' THEN t.typelem ELSE t.oid END
JOIN pg_namespace AS ln ON ln.oid = l.typnamespace
LEFT JOIN pg_proc AS s
  ON s.oid = t.typsend
 -- its own, or one for arrays, ranges or rows of any kind; refcursor borrows the one of text
 AND (s.proargtypes[0] = t.oid OR (SELECT typtype FROM pg_type WHERE oid = s.proargtypes[0]) = 'p')
LEFT JOIN pg_publication_rel AS r ON r.prrelid = c.oid
-- 15+: [1, 2] or 1 2
CROSS JOIN LATERAL (SELECT translate(to_jsonb(r) ->> 'prattrs', '[],', '   ') AS listed) AS p
WHERE n.nspname = $1
  AND c.relname = $2
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND (p.listed IS NULL OR a.attnum::text = ANY (string_to_array(p.listed, ' ')))
