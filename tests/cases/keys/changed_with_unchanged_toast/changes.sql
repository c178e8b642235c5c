UPDATE t SET k = k + 100 WHERE k = 1;
UPDATE t SET k = k + 100, v = 'changed' WHERE k = 2;
UPDATE t SET k = k + 100, one = 'short now' WHERE k = 3;
UPDATE t SET k = k + 100, two = repeat('new', 4000) WHERE k = 4;
UPDATE t SET k = k + 100, one = NULL, two = NULL WHERE k = 5;
BEGIN;
UPDATE t SET one = 'before' WHERE k = 6;
UPDATE t SET k = 106 WHERE k = 6;
UPDATE t SET v = 'after' WHERE k = 106;
UPDATE t SET k = 206 WHERE k = 106;
COMMIT;
BEGIN;
UPDATE t SET k = 107 WHERE k = 7;
UPDATE t SET k = 7 WHERE k = 8;
UPDATE t SET k = 8 WHERE k = 107;
COMMIT;
-- one after the other to the place of a row that left with its values
BEGIN;
DELETE FROM t WHERE k = 10;
UPDATE t SET k = 10 WHERE k = 11;
UPDATE t SET k = 11 WHERE k = 12;
COMMIT;
-- the key itself may be out of line
UPDATE toasted_key SET v = v + 10;
UPDATE toasted_key SET k = 'short' WHERE v = 11;
DELETE FROM toasted_key WHERE v = 12;
