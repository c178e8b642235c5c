UPDATE t SET k = 'A' WHERE k = 'a';
UPDATE t SET v = 10 WHERE k = 'a';
BEGIN;
DELETE FROM t WHERE k = 'b';
INSERT INTO t VALUES ('b', 20);
UPDATE t SET k = 'B' WHERE k = 'b';
COMMIT;
DELETE FROM t WHERE k = 'C';
