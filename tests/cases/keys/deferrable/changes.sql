INSERT INTO t VALUES (2, 'two');
UPDATE under_full SET k = k + 1;
BEGIN;
UPDATE under_full SET k = 5 WHERE k = 6;
UPDATE under_full SET k = 6 WHERE k = 5 AND v = 'row 4';
COMMIT;
UPDATE unique_too SET u = u + 1;
UPDATE unique_too SET u = 21 - u WHERE u IN (10, 11);
