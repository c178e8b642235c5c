-- the large value is first left behind under the old key, then it comes after all
BEGIN;
UPDATE t SET k = 10 WHERE k = 1;
UPDATE t SET large = 'short' WHERE k = 10;
UPDATE t SET k = 20 WHERE k = 2;
UPDATE t SET large = NULL, n = 7 WHERE k = 20;
UPDATE t SET k = 30 WHERE k = 3;
UPDATE t SET n = 8 WHERE k = 30;
COMMIT;
