UPDATE t SET a = 'before' WHERE k = 1;
ALTER TABLE t RENAME COLUMN a TO "A new ""name""";
UPDATE t SET "A new ""name""" = 'after' WHERE k = 2;
-- they trade names
BEGIN;
UPDATE t SET b = 'b before' WHERE k = 3;
ALTER TABLE t RENAME COLUMN "A new ""name""" TO x;
ALTER TABLE t RENAME COLUMN b TO "A new ""name""";
ALTER TABLE t RENAME COLUMN x TO b;
UPDATE t SET b = 'b after' WHERE k IN (3, 4);
INSERT INTO t VALUES (200, 'first', 'second', 3);
COMMIT;
-- also the key
ALTER TABLE t RENAME COLUMN k TO key;
UPDATE t SET c = -c WHERE key < 10;
DELETE FROM t WHERE key = 11;
UPDATE t SET key = key + 1000 WHERE key < 4;
ALTER TABLE quiet RENAME COLUMN v TO w;
