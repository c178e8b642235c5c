-- One number that changes with the names, columns, keys and partitions of the tables that the
-- publications $1 send. Not with the files of ordinary tables: whatever gives their rows new values
-- touches a column too, and TRUNCATE, which the stream tells of, may be frequent.
WITH RECURSIVE sent AS (
    SELECT DISTINCT t.relid::pg_catalog.oid AS oid
    FROM pg_catalog.pg_publication AS p
    CROSS JOIN LATERAL pg_catalog.pg_get_publication_tables(p.pubname::pg_catalog.text) AS t
    WHERE p.pubname = ANY ($1::pg_catalog.text[])
), tree AS (
    SELECT c.oid AS root, c.oid AS member, ''::pg_catalog.text AS joined
    FROM sent
    JOIN pg_catalog.pg_class AS c ON c.oid = sent.oid AND c.relkind = 'p'
    UNION ALL
    SELECT t.root, i.inhrelid, i.xmin::pg_catalog.text
    FROM tree AS t
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.member
)
SELECT COALESCE(pg_catalog.sum(pg_catalog.hashtext(f.what)::pg_catalog.int8), 0)::pg_catalog.text
           AS fingerprint
FROM (
    SELECT ROW(t.oid, n.nspname, c.relname, c.relreplident, c.reltoastrelid,
               a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped, a.xmin)
               ::pg_catalog.text AS what
    FROM sent AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    UNION ALL
    SELECT ROW(i.indrelid, i.indexrelid, i.indisprimary, i.indisreplident)::pg_catalog.text
    FROM sent AS t
    JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid
    WHERE i.indisprimary OR i.indisreplident
    UNION ALL
    SELECT ROW(t.root, t.member, t.joined, c.relfilenode)::pg_catalog.text
    FROM tree AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.member
) AS f
