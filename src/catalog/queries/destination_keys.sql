-- What keeps the rows of the relations $1 apart: unique indexes with their columns (expressions left
-- out), exclusion constraints without any. Plain ones hold for every row and at every moment.
SELECT i.indrelid AS oid,
       i.indisprimary AS is_primary,
       i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
           AND i.indexprs IS NULL AS is_plain,
       CASE WHEN i.indisunique
           THEN (i.indkey::pg_catalog.int2[])[0:i.indnkeyatts - 1]
           ELSE '{}'
       END AS attnums
FROM pg_catalog.pg_index AS i
WHERE i.indrelid = ANY ($1::pg_catalog.oid[])
  AND (i.indisunique OR i.indisexclusion)
  AND i.indisready
ORDER BY i.indexrelid
