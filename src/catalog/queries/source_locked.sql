-- Tables that nobody else may read now: others hold such a lock, or wait for one and have everybody
-- behind them wait as well. A prepared transaction has no process.
SELECT n.nspname::pg_catalog.text AS schema,
       c.relname::pg_catalog.text AS name,
       l.pid
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_database AS d ON d.oid = l.database
JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE l.locktype = 'relation'
  AND l.mode = 'AccessExclusiveLock'
  AND d.datname = pg_catalog.current_database()
  AND c.relkind IN ('r', 'p')
  AND n.nspname !~ '^pg_'
ORDER BY l.granted DESC, schema, name
