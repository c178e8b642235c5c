-- The tables that the publications $1 send, with the columns and the rows they are limited to. A row
-- is sent when any of them sends it; their column lists for a table have to be the same.
SELECT schemaname::pg_catalog.text AS schema,
       tablename::pg_catalog.text AS name,
       pg_catalog.min(attnames::pg_catalog.text)::pg_catalog.text[] AS columns,
       CASE WHEN pg_catalog.bool_and(rowfilter IS NOT NULL) THEN
           pg_catalog.string_agg(DISTINCT rowfilter, ' OR ')
       END AS row_filter
FROM pg_catalog.pg_publication_tables
WHERE pubname = ANY ($1::pg_catalog.text[])
GROUP BY schemaname, tablename
