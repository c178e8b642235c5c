SELECT pg_catalog.md5(
           pg_catalog.string_agg(pg_catalog.to_jsonb(t)::text, ',' ORDER BY t.schemaname, t.tablename)
       ) AS tables
  FROM pg_catalog.pg_publication_tables AS t
 WHERE t.pubname = $1::text
