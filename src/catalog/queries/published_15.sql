-- The tables that publication $1 sends, with the columns and the rows it is limited to.
SELECT schemaname::pg_catalog.text AS schema,
       tablename::pg_catalog.text AS name,
       attnames::pg_catalog.text[] AS columns,
       rowfilter AS row_filter
FROM pg_catalog.pg_publication_tables
WHERE pubname = $1::pg_catalog.text
