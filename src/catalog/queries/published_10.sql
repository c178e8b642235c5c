-- The tables that the publications $1 send, on servers without column lists and row filters.
SELECT DISTINCT schemaname::pg_catalog.text AS schema,
       tablename::pg_catalog.text AS name,
       NULL::pg_catalog.text[] AS columns,
       false AS columns_differ,
       NULL::pg_catalog.text AS row_filter
FROM pg_catalog.pg_publication_tables
WHERE pubname = ANY ($1::pg_catalog.text[])
