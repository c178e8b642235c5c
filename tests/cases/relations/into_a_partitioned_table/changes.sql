UPDATE t SET v = 'changed' WHERE k % 2 = 0;
UPDATE t SET k = -k WHERE k > 25;
UPDATE t SET k = k + 100, v = 'moved' WHERE k < 3;
DELETE FROM t WHERE k IN (5, 15);
INSERT INTO t VALUES (500, 'new', NULL), (0, 'new', 'short');
TRUNCATE t;
INSERT INTO t VALUES (1, 'after', NULL), (20, 'after', NULL);
