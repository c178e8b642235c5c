-- what is rolled back has never been
BEGIN;
UPDATE t SET v = 'before' WHERE k = 1;
SAVEPOINT a;
ALTER TABLE t ADD COLUMN w int DEFAULT 5;
UPDATE t SET v = 'undone', w = 6 WHERE k = 1;
ROLLBACK TO a;
UPDATE t SET v = v || ' and after' WHERE k = 1;
COMMIT;
BEGIN;
ALTER TABLE t DROP COLUMN v;
CREATE TABLE t2 (k int PRIMARY KEY);
INSERT INTO t2 VALUES (1);
ROLLBACK;
UPDATE t SET v = 'last' WHERE k = 2;
