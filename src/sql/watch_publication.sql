SELECT p.oid, p.pubname::pg_catalog.text, c.oid, n.nspname::pg_catalog.text, c.relname::pg_catalog.text
  FROM pg_catalog.pg_publication AS p
  LEFT JOIN LATERAL pg_catalog.pg_get_publication_tables(p.pubname::pg_catalog.text) AS t ON true
  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.relid
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE p.pubname = ANY ($1::pg_catalog.text[])
