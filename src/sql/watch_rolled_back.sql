-- How many of the subtransactions $1 (without their epochs) were rolled back, or are not known any
-- more. Each is the number nearest to the next one that the server gives out. One may still be in
-- progress: the source sends a commit a moment before others see it.
SELECT pg_catalog.count(*)
  FROM pg_catalog.unnest($1::pg_catalog.int8[]) AS asked (xid),
       (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text
               ::pg_catalog.int8) AS snapshot (next)
 WHERE COALESCE(
           pg_catalog.pg_xact_status(
               (next + ((xid - next + 2147483648) & 4294967295) - 2147483648)::pg_catalog.text
               ::pg_catalog.xid8
           ),
           'aborted'
       ) = 'aborted'
