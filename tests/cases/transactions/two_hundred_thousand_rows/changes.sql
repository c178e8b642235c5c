BEGIN;
INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(20001, 120000) AS i;
UPDATE t SET n = n + 1 WHERE k % 2 = 0;
UPDATE t SET k = -k WHERE k % 5 = 0;
DELETE FROM t WHERE k % 10 = 3;
COMMIT;
