-- The tables that the publications $1 send, with the columns and the rows they are limited to. A row
-- is sent when any of them sends it; the source sends none when their columns are not the same.
SELECT schemaname::pg_catalog.text AS schema,
       tablename::pg_catalog.text AS name,
       pg_catalog.min(attnames::pg_catalog.text)::pg_catalog.text[] AS columns,
       pg_catalog.count(DISTINCT attnames::pg_catalog.text) > 1 AS columns_differ,
       CASE WHEN pg_catalog.bool_and(rowfilter IS NOT NULL) THEN
           pg_catalog.string_agg(DISTINCT rowfilter, ' OR ')
       END AS row_filter
FROM pg_catalog.pg_publication_tables
WHERE pubname = ANY ($1::pg_catalog.text[])
GROUP BY schemaname, tablename
