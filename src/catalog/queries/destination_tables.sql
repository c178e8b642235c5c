-- What is called $1[i].$2[i], of any kind: a view is in the way as much as a table is.
SELECT c.oid,
       w.schema,
       w.name,
       c.relkind,
       pg_catalog.pg_has_role(c.relowner, 'USAGE') AS owned,
       pg_catalog.row_security_active(c.oid) AS row_security,
       EXISTS (
           SELECT FROM pg_catalog.pg_trigger AS g
           WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'
       ) AS has_triggers,
       c.relkind = 'r' AND NOT (c.relhastriggers OR c.relhasrules OR c.relhassubclass)
           AND pg_catalog.has_table_privilege(c.oid, 'INSERT')
           AND pg_catalog.has_table_privilege(c.oid, 'DELETE')
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_publication)
           AND NOT EXISTS (
               SELECT FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
               WHERE o.option_name = 'fillfactor' AND o.option_value::integer < 70
           ) AS replaceable,
       EXISTS (
           SELECT FROM pg_catalog.pg_constraint AS r WHERE r.confrelid = c.oid AND r.contype = 'f'
       ) AS referenced,
       COALESCE(pg_catalog.pg_relation_size(c.oid), 0) = 0 AS no_pages,
       pg_catalog.current_setting('block_size')::integer AS page_bytes
FROM ROWS FROM (
         pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])
     ) AS w (schema, name)
JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.schema
JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = w.name
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
