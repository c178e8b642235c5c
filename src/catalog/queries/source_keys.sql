-- Primary keys and replica identity indexes. indoption has one entry a key column (INCLUDE
-- columns have none), which tells them apart on 10 too, where indnkeyatts does not exist.
SELECT i.indrelid AS oid,
       i.indisprimary AS is_primary,
       i.indisreplident AS is_identity,
       i.indimmediate AS immediate,
       (i.indkey::pg_catalog.int2[])[0:pg_catalog.array_length(i.indoption::pg_catalog.int2[], 1) - 1]
           AS attnums
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
WHERE (i.indisprimary OR i.indisreplident)
  AND i.indisvalid
  AND c.relkind IN ('r', 'p')
  AND c.relpersistence = 'p'
