BEGIN;
UPDATE t SET k = 0 WHERE k = 1;
UPDATE t SET k = 1 WHERE k = 2;
UPDATE t SET k = 2 WHERE k = 0;
COMMIT;
-- and round a ring of three, with a change on the way
BEGIN;
UPDATE t SET k = 0 WHERE k = 3;
UPDATE t SET k = 3 WHERE k = 4;
UPDATE t SET v = v || '!' WHERE k = 3;
UPDATE t SET k = 4 WHERE k = 5;
UPDATE t SET k = 5, v = v || '?' WHERE k = 0;
COMMIT;
-- twice is as if nothing had been
BEGIN;
UPDATE t SET k = 0 WHERE k = 1;
UPDATE t SET k = 1 WHERE k = 2;
UPDATE t SET k = 2 WHERE k = 0;
UPDATE t SET k = 0 WHERE k = 1;
UPDATE t SET k = 1 WHERE k = 2;
UPDATE t SET k = 2 WHERE k = 0;
COMMIT;
