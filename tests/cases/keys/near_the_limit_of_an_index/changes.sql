UPDATE t SET v = v + 1;
DELETE FROM t WHERE v % 3 = 0;
UPDATE t SET k = reverse(k) WHERE v % 2 = 0;
