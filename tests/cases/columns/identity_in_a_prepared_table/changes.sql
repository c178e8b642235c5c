INSERT INTO t (k) VALUES ('next');
UPDATE t SET k = 'moved' WHERE k = 'k1';
UPDATE t SET id = DEFAULT WHERE k = 'k2';
UPDATE t SET v = 7 WHERE k = 'k3';
DELETE FROM t WHERE k = 'k4';
