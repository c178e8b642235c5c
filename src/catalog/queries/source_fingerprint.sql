-- One number that changes with the names, columns and keys of the tables that the publication $1
-- sends, and with how it sends them. Not with their files: whatever gives rows new values touches a
-- column too, and TRUNCATE may be frequent.
SELECT COALESCE(pg_catalog.sum(pg_catalog.hashtext(f.what)::pg_catalog.int8), 0)::pg_catalog.text
           AS fingerprint
FROM (
    SELECT ROW(t.oid, n.nspname, c.relname, c.relreplident,
               a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped, a.xmin)
               ::pg_catalog.text AS what
    FROM (
        SELECT p.relid::pg_catalog.oid AS oid
        FROM pg_catalog.pg_get_publication_tables($1::pg_catalog.text) AS p
    ) AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    UNION ALL
    SELECT ROW(i.indrelid, i.indexrelid, i.indisprimary, i.indisreplident)::pg_catalog.text
    FROM pg_catalog.pg_get_publication_tables($1::pg_catalog.text) AS p
    JOIN pg_catalog.pg_index AS i ON i.indrelid = p.relid
    WHERE i.indisprimary OR i.indisreplident
    UNION ALL
    SELECT ROW(r.prrelid, r.xmin)::pg_catalog.text
    FROM pg_catalog.pg_publication_rel AS r
    JOIN pg_catalog.pg_publication AS p ON p.oid = r.prpubid
    WHERE p.pubname = $1
) AS f
