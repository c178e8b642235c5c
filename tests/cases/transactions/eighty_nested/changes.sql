BEGIN;
SELECT format('SAVEPOINT s%s', i), format('INSERT INTO t VALUES (%s, ''level %s'')', i, i), format('INSERT INTO half_undone VALUES (%s, ''level %s'')', i, i)
FROM generate_series(1, 80) AS i
\gexec
ROLLBACK TO s41;
INSERT INTO half_undone VALUES (1000, 'after');
INSERT INTO t SELECT k + 100, v FROM half_undone;
COMMIT;
