UPDATE t SET v = 'changed', secret = 'other';
UPDATE t SET k = k + 101 WHERE k < 5;
DELETE FROM t WHERE k > 17 AND k < 100;
INSERT INTO t VALUES (50, 'secret', 'new'), (51, 'secret', 'not');
