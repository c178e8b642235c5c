UPDATE t SET b = b || '!' WHERE a = 1;
UPDATE t SET a = NULL WHERE a = 2;
DELETE FROM t WHERE a = 3;
INSERT INTO t SELECT 4, 'new', i FROM generate_series(1, 5) AS i;
BEGIN;
UPDATE t SET a = a + 1;
UPDATE t SET a = a - 1;
DELETE FROM t WHERE a = 5 AND c IS NULL;
COMMIT;
