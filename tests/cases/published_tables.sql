-- The tables of case $1 that the publication sends.
SELECT p.schemaname::text,
       p.tablename::text,
       c.relkind = 'p' AS partitioned,
       p.rowfilter
FROM pg_publication_tables AS p
JOIN pg_namespace AS n ON n.nspname = p.schemaname
JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = p.tablename
JOIN public.case_schemas AS k ON k.oid = n.oid
WHERE p.pubname = 'walferry_app' AND k.case_name = $1
ORDER BY 1, 2
