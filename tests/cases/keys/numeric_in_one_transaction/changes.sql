BEGIN;
UPDATE t SET k = k::numeric(10, 1) WHERE k < 10;
UPDATE t SET v = v + 1;
UPDATE t SET k = k::numeric(10, 3) WHERE k % 2 = 0;
DELETE FROM t WHERE k % 5 = 0;
INSERT INTO t VALUES (5.00, 500), (10.00, 1000);
UPDATE t SET k = trim_scale(k) WHERE k IN (5, 6);
COMMIT;
