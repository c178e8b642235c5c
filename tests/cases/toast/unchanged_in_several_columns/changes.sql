-- each set of columns that a change leaves alone
UPDATE t SET v = v + 1 WHERE k % 8 = 0;
UPDATE t SET a = 'short' WHERE k % 8 = 1;
UPDATE t SET b = repeat('long', 3000), v = 0 WHERE k % 8 = 2;
UPDATE t SET a = NULL, c = NULL WHERE k % 8 = 3;
UPDATE t SET d = '{"small": true}' WHERE k % 8 = 4;
UPDATE t SET a = repeat('x', 9000), b = repeat('y', 9000), c = '\x00', d = 'null' WHERE k % 8 = 5;
UPDATE t SET d = d || '{"added": 1}' WHERE k % 8 = 6;
-- and one after the other on one row
BEGIN;
UPDATE t SET a = 'first' WHERE k = 7;
UPDATE t SET b = 'second' WHERE k = 7;
UPDATE t SET v = 3 WHERE k = 7;
UPDATE t SET a = repeat('third', 2000) WHERE k = 7;
UPDATE t SET v = 4 WHERE k = 7;
COMMIT;
-- to itself
UPDATE t SET a = a, d = d WHERE k = 15;
