UPDATE t SET a = a + 1 WHERE k % 2 = 0;
UPDATE t SET v = NULL WHERE k = 3;
UPDATE t SET k = k + 100 WHERE k > 15;
DELETE FROM t WHERE k = 1;
INSERT INTO t (k, a, v) VALUES (200, NULL, 'new');
INSERT INTO nothing_else VALUES (4);
UPDATE nothing_else SET k = 10 WHERE k = 1;
DELETE FROM nothing_else WHERE k = 2;
