-- By what the publications $1 send each table, on servers without row filters, column lists and
-- schemas in publications. pubtruncate came with 11, pubviaroot with 13.
WITH RECURSIVE published AS (
    SELECT p.oid,
           p.puballtables,
           pg_catalog.format(':%s:%s%s%s%s%s@%s', p.oid, p.pubinsert::pg_catalog.int4,
                             p.pubupdate::pg_catalog.int4, p.pubdelete::pg_catalog.int4,
                             (pg_catalog.to_jsonb(p) ->> 'pubtruncate')::pg_catalog.bool::pg_catalog.int4,
                             (pg_catalog.to_jsonb(p) ->> 'pubviaroot')::pg_catalog.bool::pg_catalog.int4,
                             p.xmin
           ) AS what,
           p.pubname
    FROM pg_catalog.pg_publication AS p
    WHERE p.pubname = ANY ($1::pg_catalog.text[])
), up AS (
    SELECT DISTINCT t.relid::pg_catalog.oid AS oid,
           t.relid::pg_catalog.oid AS member,
           ''::pg_catalog.text AS way
    FROM published AS p
    CROSS JOIN LATERAL pg_catalog.pg_get_publication_tables(p.pubname::pg_catalog.text) AS t
    UNION ALL
    -- a partition is also sent for the sake of those that it is a part of, while it is
    SELECT up.oid, i.inhparent, pg_catalog.concat(up.way, '^', i.xmin::pg_catalog.text, ':')
    FROM up
    JOIN pg_catalog.pg_class AS c ON c.oid = up.member AND c.relispartition
    JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = up.member
)
SELECT up.oid,
       pg_catalog.array_agg(up.way || w.word ORDER BY up.way || w.word) AS sent
FROM up
CROSS JOIN LATERAL (
    SELECT 'table' || r.oid::pg_catalog.text || p.what AS word
    FROM pg_catalog.pg_publication_rel AS r
    JOIN published AS p ON p.oid = r.prpubid
    WHERE r.prrelid = up.member
    UNION ALL
    SELECT 'all' || p.what FROM published AS p WHERE p.puballtables
) AS w (word)
GROUP BY up.oid
