UPDATE t SET v = 'before' WHERE k = 1;
ALTER TABLE t ADD COLUMN n int;
UPDATE t SET n = k WHERE k < 5;
INSERT INTO t VALUES (200, 'new', 7);
ALTER TABLE t ADD COLUMN "con stant" text DEFAULT 'it''s "so"\';
UPDATE t SET v = 'between' WHERE k = 2;
INSERT INTO t (k) VALUES (201);
ALTER TABLE t ADD COLUMN arr int[] DEFAULT '{1,NULL,3}', ADD COLUMN ts timestamptz DEFAULT '2020-02-29 12:00+00';
ALTER TABLE t ALTER COLUMN arr SET DEFAULT '{9}';
INSERT INTO t (k) VALUES (202);
UPDATE t SET n = NULL WHERE k = 3;
-- in the middle of a transaction
BEGIN;
INSERT INTO t (k, v) VALUES (300, 'old shape');
UPDATE t SET v = 'old shape' WHERE k = 10;
ALTER TABLE t ADD COLUMN late numeric(5,2) DEFAULT 1.50;
INSERT INTO t (k, v, late) VALUES (301, 'new shape', 2.25);
UPDATE t SET late = 9 WHERE k IN (10, 11);
DELETE FROM t WHERE k = 12;
COMMIT;
-- no row comes after it
ALTER TABLE quiet ADD COLUMN w int DEFAULT 5;
BEGIN;
DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless);
ALTER TABLE keyless ADD COLUMN w int DEFAULT 3;
INSERT INTO keyless VALUES ('b', 4);
UPDATE keyless SET v = 'c' WHERE v = 'a';
COMMIT;
