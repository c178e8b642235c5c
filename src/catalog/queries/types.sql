-- The types $1 and all that they are made of, those of pg_catalog left out. What an extension or
-- information_schema made is listed, and not looked into. Serves both sides, from 10 on:
-- multiranges came with 14.
WITH RECURSIVE needed AS (
    SELECT w.oid FROM pg_catalog.unnest($1::pg_catalog.oid[]) AS w (oid)
    UNION
    SELECT part.oid
    FROM needed
    JOIN pg_catalog.pg_type AS t ON t.oid = needed.oid
    JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
    CROSS JOIN LATERAL (
        SELECT t.typbasetype WHERE t.typtype = 'd'
        UNION ALL
        SELECT t.typelem WHERE t.typtype = 'b' AND t.typcategory = 'A' AND t.typlen = -1
        UNION ALL
        SELECT a.atttypid
        FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.oid = t.typrelid AND c.relkind = 'c' AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT r.rngsubtype FROM pg_catalog.pg_range AS r WHERE r.rngtypid = t.oid
        UNION ALL
        SELECT r.rngtypid
        FROM pg_catalog.pg_range AS r
        WHERE t.typtype = 'm'
          AND (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid = t.oid
    ) AS part (oid)
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend AS d
          WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
            AND d.objid = t.oid
            AND d.deptype = 'e'
      )
)
SELECT t.oid,
       n.nspname::pg_catalog.text AS schema,
       t.typname::pg_catalog.text AS name,
       pg_catalog.format('%I.%I', n.nspname, t.typname) AS quoted,
       CASE
           WHEN t.typtype = 'b' AND t.typcategory = 'A' AND t.typlen = -1 AND t.typelem <> 0
               THEN 'array'
           WHEN t.typtype = 'e' THEN 'enum'
           WHEN t.typtype = 'd' THEN 'domain'
           WHEN t.typtype = 'c' AND c.relkind = 'c' THEN 'composite'
           WHEN t.typtype = 'c' THEN 'row'
           WHEN t.typtype = 'r' THEN 'range'
           WHEN t.typtype = 'm' THEN 'multirange'
           ELSE 'other'
       END AS sort,
       (
           SELECT e.extname::pg_catalog.text
           FROM pg_catalog.pg_depend AS d
           JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
           WHERE d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
             AND d.objid = t.oid
             AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
             AND d.deptype = 'e'
       ) AS extension,
       COALESCE(labels.ids, '{}') AS label_ids,
       COALESCE(labels.names, '{}') AS labels,
       COALESCE(parts.ids, '{}') AS part_ids,
       COALESCE(parts.names, '{}') AS part_names,
       COALESCE(parts.types, '{}') AS part_types,
       COALESCE(parts.modifiers, '{}') AS part_modifiers,
       COALESCE(parts.formats, '{}') AS part_formats,
       range.operator_class,
       range.collation,
       COALESCE(range.is_portable, true) AS is_portable,
       range.multirange_schema,
       range.multirange_name
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.typrelid
LEFT JOIN LATERAL (
    SELECT pg_catalog.array_agg(e.oid ORDER BY e.enumsortorder) AS ids,
           pg_catalog.array_agg(e.enumlabel::pg_catalog.text ORDER BY e.enumsortorder) AS names
    FROM pg_catalog.pg_enum AS e
    WHERE e.enumtypid = t.oid
) AS labels ON true
LEFT JOIN LATERAL (
    SELECT pg_catalog.array_agg(p.id ORDER BY p.id) AS ids,
           pg_catalog.array_agg(p.name ORDER BY p.id) AS names,
           pg_catalog.array_agg(p.type ORDER BY p.id) AS types,
           pg_catalog.array_agg(p.modifier ORDER BY p.id) AS modifiers,
           pg_catalog.array_agg(
               pg_catalog.format_type(p.type, p.modifier) ORDER BY p.id
           ) AS formats
    FROM (
        SELECT a.attnum::pg_catalog.int4::pg_catalog.oid, a.attname::pg_catalog.text, a.atttypid,
               a.atttypmod
        FROM pg_catalog.pg_attribute AS a
        WHERE c.relkind = 'c' AND a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT 1, '', t.typbasetype, t.typtypmod WHERE t.typtype = 'd'
        UNION ALL
        SELECT 1, '', t.typelem, -1
        WHERE t.typtype = 'b' AND t.typcategory = 'A' AND t.typlen = -1 AND t.typelem <> 0
        UNION ALL
        SELECT 1, '', r.rngsubtype, -1 FROM pg_catalog.pg_range AS r WHERE r.rngtypid = t.oid
        UNION ALL
        SELECT 1, '', r.rngtypid, -1
        FROM pg_catalog.pg_range AS r
        WHERE t.typtype = 'm'
          AND (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid = t.oid
    ) AS p (id, name, type, modifier)
) AS parts ON true
LEFT JOIN LATERAL (
    SELECT CASE WHEN NOT o.opcdefault THEN
               pg_catalog.format('%I.%I', os.nspname, o.opcname)
           END AS operator_class,
           CASE WHEN r.rngcollation <> s.typcollation THEN
               pg_catalog.format('%I.%I', ls.nspname, l.collname)
           END AS collation,
           (o.opcdefault OR os.nspname = 'pg_catalog')
           AND (r.rngcollation = s.typcollation OR ls.nspname = 'pg_catalog') AS is_portable,
           ms.nspname::pg_catalog.text AS multirange_schema,
           m.typname::pg_catalog.text AS multirange_name
    FROM pg_catalog.pg_range AS r
    JOIN pg_catalog.pg_type AS s ON s.oid = r.rngsubtype
    JOIN pg_catalog.pg_opclass AS o ON o.oid = r.rngsubopc
    JOIN pg_catalog.pg_namespace AS os ON os.oid = o.opcnamespace
    LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = r.rngcollation
    LEFT JOIN pg_catalog.pg_namespace AS ls ON ls.oid = l.collnamespace
    LEFT JOIN pg_catalog.pg_type AS m
      ON m.oid = (pg_catalog.to_jsonb(r) ->> 'rngmultitypid')::pg_catalog.oid
    LEFT JOIN pg_catalog.pg_namespace AS ms ON ms.oid = m.typnamespace
    WHERE r.rngtypid = t.oid
) AS range ON true
WHERE t.oid IN (SELECT needed.oid FROM needed) AND n.nspname <> 'pg_catalog'
