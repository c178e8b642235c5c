-- The tables of the cases $1 that the publications send; a row is sent when one of them sends it.
SELECT k.case_name,
       p.schemaname::text,
       p.tablename::text,
       c.relkind = 'p' AS partitioned,
       CASE WHEN bool_and(f.rowfilter IS NOT NULL) THEN string_agg(f.rowfilter, ' OR ') END
FROM pg_publication_tables AS p
-- 15+
CROSS JOIN LATERAL (SELECT to_jsonb(p) ->> 'rowfilter' AS rowfilter) AS f
JOIN pg_namespace AS n ON n.nspname = p.schemaname
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.tablename
JOIN public.case_schemas AS k ON k.oid = n.oid
WHERE p.pubname ~ '^walferry_app' AND k.case_name = ANY ($1)
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3
