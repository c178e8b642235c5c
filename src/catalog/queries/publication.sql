-- What the publications $1 send, in that order. pubtruncate came with 11 and pubviaroot with 13: read through
-- jsonb, so that one statement serves every version.
SELECT p.pubname::pg_catalog.text AS name,
       p.oid,
       p.puballtables AS all_tables,
       p.pubinsert AS inserts,
       p.pubupdate AS updates,
       p.pubdelete AS deletes,
       COALESCE((pg_catalog.to_jsonb(p) ->> 'pubtruncate')::pg_catalog.bool, false) AS truncates,
       COALESCE((pg_catalog.to_jsonb(p) ->> 'pubviaroot')::pg_catalog.bool, false) AS via_root,
       pg_catalog.pg_has_role(p.pubowner, 'USAGE') AS owned
FROM pg_catalog.pg_publication AS p
WHERE p.pubname = ANY ($1::pg_catalog.text[])
ORDER BY pg_catalog.array_position($1::pg_catalog.text[], p.pubname::pg_catalog.text)
