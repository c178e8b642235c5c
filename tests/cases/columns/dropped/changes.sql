UPDATE t SET v = v || '!' WHERE k % 2 = 0;
UPDATE t SET k = k + 100 WHERE k % 3 = 0;
DELETE FROM t WHERE k % 5 = 0;
INSERT INTO t (k) VALUES (300);
UPDATE whole SET b = 'changed' WHERE a = 1;
DELETE FROM whole WHERE ctid = (SELECT min(ctid) FROM whole WHERE a = 0);
INSERT INTO whole VALUES (1, 'b0'), (NULL, NULL);
