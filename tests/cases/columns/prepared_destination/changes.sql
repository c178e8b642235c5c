UPDATE t SET a = 'changed' WHERE k < 4;
UPDATE t SET k = k + 100 WHERE k > 7;
DELETE FROM t WHERE k = 1;
INSERT INTO t VALUES (1, 'again', 1.50, NULL);
BEGIN;
TRUNCATE t;
INSERT INTO t SELECT i, 'new', NULL, 'short' FROM generate_series(1, 3) AS i;
COMMIT;
