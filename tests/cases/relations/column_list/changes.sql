UPDATE t SET v = 'changed', secret = 'other' WHERE k < 5;
UPDATE t SET other = 7, secret = repeat('more', 2000) WHERE k = 6;
UPDATE t SET k = k + 100 WHERE k > 15;
DELETE FROM t WHERE k = 10;
INSERT INTO t VALUES ('secret', 300, 'new', 1, 'short');
