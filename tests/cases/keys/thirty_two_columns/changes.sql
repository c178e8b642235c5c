UPDATE t SET v = v || '!' WHERE c1 % 2 = 0;
UPDATE t SET c32 = -1 WHERE c1 % 3 = 0;
DELETE FROM t WHERE c1 % 5 = 0;
UPDATE t SET c1 = c1 + 1;
