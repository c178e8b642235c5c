-- into the filter, out of it, inside it, outside of it
UPDATE t SET wanted = true WHERE k IN (1, 2);
UPDATE t SET wanted = false WHERE k = 3;
UPDATE t SET wanted = NULL WHERE k = 6;
UPDATE t SET v = 'inside' WHERE k = 9;
UPDATE t SET v = 'outside' WHERE k = 4;
UPDATE t SET k = 200 WHERE k = 12;
UPDATE t SET k = 99 WHERE k = 200;
DELETE FROM t WHERE k IN (15, 16);
INSERT INTO t VALUES (50, true, 'wanted'), (51, false, 'not');
UPDATE by_key SET k = k + 50 WHERE k BETWEEN 5 AND 8;
UPDATE by_key SET k = 0 WHERE k = 30;
UPDATE by_key SET v = 'changed' WHERE k IN (9, 11);
DELETE FROM by_key WHERE k IN (10, 12);
