-- By what the publications $1 send each table, as words that change with whatever makes the table
-- send something else, or leave the publication and come back. See sending.rs.
WITH RECURSIVE published AS (
    SELECT p.oid,
           p.puballtables,
           pg_catalog.format(':%s:%s%s%s%s%s@%s', p.oid, p.pubinsert::pg_catalog.int4,
                             p.pubupdate::pg_catalog.int4, p.pubdelete::pg_catalog.int4,
                             p.pubtruncate::pg_catalog.int4, p.pubviaroot::pg_catalog.int4,
                             p.xmin) AS what,
           -- publish_generated_columns came with 18
           COALESCE(pg_catalog.to_jsonb(p) ->> 'pubgencols' = 's', false) AS computed,
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
), words AS (
    SELECT up.oid,
           up.way || r.reason || p.what || CASE WHEN p.computed THEN s.computed ELSE '' END AS word
    FROM up
    JOIN pg_catalog.pg_class AS c ON c.oid = up.member
    CROSS JOIN LATERAL (
        SELECT t.prpubid,
               CASE WHEN t.prqual IS NULL AND t.prattrs IS NULL THEN 'table' ELSE 'part' END
                   || t.oid::pg_catalog.text
        FROM pg_catalog.pg_publication_rel AS t
        WHERE t.prrelid = up.member
        UNION ALL
        -- a table that moves to another schema and back has another row that says where it is
        SELECT t.pnpubid, pg_catalog.concat('schema', t.oid, '~', d.xmin)
        FROM pg_catalog.pg_publication_namespace AS t
        LEFT JOIN pg_catalog.pg_depend AS d
          ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
         AND d.objid = c.oid
         AND d.objsubid = 0
         AND d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
        WHERE t.pnnspid = c.relnamespace
        UNION ALL
        SELECT a.oid, 'all' FROM published AS a WHERE a.puballtables
    ) AS r (publication, reason)
    JOIN published AS p ON p.oid = r.publication
    CROSS JOIN LATERAL (
        SELECT COALESCE(
                   pg_catalog.string_agg('+' || a.attnum::pg_catalog.text, '' ORDER BY a.attnum), ''
               ) AS computed
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = up.oid AND a.attgenerated = 's' AND NOT a.attisdropped
    ) AS s
)
SELECT words.oid, pg_catalog.array_agg(words.word ORDER BY words.word) AS sent
FROM words
GROUP BY words.oid
