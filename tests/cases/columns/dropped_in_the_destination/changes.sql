UPDATE t SET v = 'changed' WHERE k < 4;
UPDATE t SET k = k + 100 WHERE k > 7;
DELETE FROM t WHERE k = 1;
INSERT INTO t VALUES (1, 'again');
