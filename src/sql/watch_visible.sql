-- Whether everybody sees what the transactions $1 (without their epochs) did. Each is the number
-- nearest to the next one that the server gives out. A source sends a commit before others see it.
SELECT pg_catalog.bool_and(
           pg_catalog.pg_visible_in_snapshot(
               (next + ((xid - next + 2147483648) & 4294967295) - 2147483648)::pg_catalog.text
               ::pg_catalog.xid8,
               snapshot.now
           )
       )
  FROM pg_catalog.unnest($1::pg_catalog.int8[]) AS asked (xid),
       (SELECT s.now, pg_catalog.pg_snapshot_xmax(s.now)::pg_catalog.text::pg_catalog.int8
          FROM pg_catalog.pg_current_snapshot() AS s (now)) AS snapshot (now, next)
