-- The heaps that hold the rows of the tables $1: the table itself, or all leaves of a partitioned
-- one. Inheritance children are tables of their own.
WITH RECURSIVE tree AS (
    SELECT c.oid AS root, c.oid AS member, c.relkind
    FROM pg_catalog.pg_class AS c
    WHERE c.oid = ANY ($1::pg_catalog.oid[])
    UNION ALL
    SELECT t.root, c.oid, c.relkind
    FROM tree AS t
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = t.member
    JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
    WHERE t.relkind = 'p'
)
SELECT t.root,
       t.member,
       n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name,
       -- one that is dropped meanwhile has none
       COALESCE(pg_catalog.pg_relation_size(c.oid), 0)
           / pg_catalog.current_setting('block_size')::pg_catalog.int8 AS pages
FROM tree AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.member
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
ORDER BY t.root, pages DESC
