-- How values of the types $1 are compared where the = of pg_catalog does not take them as they are:
-- the base type of a domain, since = takes no domain over an enum; the operator of the default
-- operator class for B-trees, for types of extensions.
WITH RECURSIVE base AS (
    SELECT w.oid, w.oid AS of
    FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS w (oid)
    UNION
    SELECT t.typbasetype, base.of
    FROM base
    JOIN pg_catalog.pg_type AS t ON t.oid = base.oid
    WHERE t.typtype = 'd'
)
SELECT base.of AS oid,
       CASE WHEN base.of <> t.oid THEN tn.nspname::pg_catalog.text END AS base_schema,
       t.typname::pg_catalog.text AS base_name,
       o.schema AS operator_schema,
       o.name AS operator_name
FROM base
JOIN pg_catalog.pg_type AS t ON t.oid = base.oid AND t.typtype <> 'd'
JOIN pg_catalog.pg_namespace AS tn ON tn.oid = t.typnamespace
LEFT JOIN LATERAL (
    SELECT n.nspname::pg_catalog.text, p.oprname::pg_catalog.text
    FROM pg_catalog.pg_opclass AS c
    JOIN pg_catalog.pg_am AS m ON m.oid = c.opcmethod AND m.amname = 'btree'
    JOIN pg_catalog.pg_amop AS a
      ON a.amopfamily = c.opcfamily
     AND a.amoplefttype = c.opcintype
     AND a.amoprighttype = c.opcintype
     AND a.amopstrategy = 3
    JOIN pg_catalog.pg_operator AS p ON p.oid = a.amopopr
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.oprnamespace
    WHERE c.opcintype = t.oid AND c.opcdefault AND n.nspname <> 'pg_catalog'
) AS o (schema, name) ON true
WHERE base.of <> t.oid OR o.name IS NOT NULL
