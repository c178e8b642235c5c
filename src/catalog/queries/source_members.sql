-- The partitions of the partitioned tables that the publications $1 send as one, at all depths:
-- with their file, the version of the row that makes them partitions, whether they were attached or
-- made as such and may have come with rows of their own, and whether they were given another file
-- since. See sending.rs.
WITH RECURSIVE tree AS (
    SELECT DISTINCT c.oid AS root, c.oid AS member, ''::pg_catalog.text AS joined, false AS attached
    FROM pg_catalog.pg_publication AS p
    CROSS JOIN LATERAL pg_catalog.pg_get_publication_tables(p.pubname::pg_catalog.text) AS t
    JOIN pg_catalog.pg_class AS c ON c.oid = t.relid AND c.relkind = 'p'
    WHERE p.pubname = ANY ($1::pg_catalog.text[])
    UNION ALL
    SELECT t.root,
           i.inhrelid,
           i.xmin::pg_catalog.text,
           -- ATTACH touches every column of a table that was there before; of one that was made as
           -- a partition there are columns as old, to the command, as what the system adds
           t.attached OR NOT EXISTS (
               SELECT FROM pg_catalog.pg_attribute AS a
               JOIN pg_catalog.pg_attribute AS s ON s.attrelid = a.attrelid AND s.attnum = -1
               WHERE a.attrelid = i.inhrelid AND a.attnum > 0 AND a.xmin = s.xmin AND a.cmin = s.cmin
           )
    FROM tree AS t
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.member
)
SELECT t.root,
       t.member AS oid,
       c.relfilenode AS filenode,
       t.joined,
       c.xmin::pg_catalog.text AS changed_by,
       t.attached,
       -- one that is dropped meanwhile has no size
       t.attached AND COALESCE(pg_catalog.pg_relation_size(c.oid), 0) > 0 AS with_rows,
       -- a table's first file has the number of its oid
       c.relfilenode NOT IN (0, c.oid) AND c.xmin::pg_catalog.text <> t.joined AS replaced
FROM tree AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.member
WHERE t.member <> t.root
ORDER BY t.root, t.member
