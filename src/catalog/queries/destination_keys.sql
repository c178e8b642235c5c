-- Unique indexes of the relations $1 that hold for every row and at every moment.
SELECT i.indrelid AS oid,
       i.indisprimary AS is_primary,
       (i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1] AS attnums
FROM pg_catalog.pg_index AS i
WHERE i.indrelid = ANY ($1::pg_catalog.oid[])
  AND i.indisunique
  AND i.indimmediate
  AND i.indisvalid
  AND i.indpred IS NULL
  AND i.indexprs IS NULL
ORDER BY i.indexrelid
