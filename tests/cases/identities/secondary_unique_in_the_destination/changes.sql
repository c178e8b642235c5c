-- swapped, with a value that does not come along
BEGIN;
UPDATE t SET u = 100 WHERE k = 1;
UPDATE t SET u = 1 WHERE k = 2;
UPDATE t SET u = 2 WHERE k = 1;
COMMIT;
-- rotated: every row takes the value of the one before it
BEGIN;
UPDATE t SET u = -u;
UPDATE t SET u = 1 - u WHERE u > -30;
UPDATE t SET u = 1 WHERE u = -30;
COMMIT;
BEGIN;
UPDATE t SET p = -p, r = 'empty';
UPDATE t SET p = 1 - p WHERE k < 30;
UPDATE t SET p = 1 WHERE k = 30;
UPDATE t SET r = int4range(p * 10, p * 10 + 10), large = large || 'x' WHERE k % 2 = 0;
UPDATE t SET r = int4range(p * 10, p * 10 + 10) WHERE k % 2 = 1;
COMMIT;
-- taken over from rows that go, move, or come
BEGIN;
UPDATE t SET k = k + 100, u = u + 100 WHERE k < 5;
DELETE FROM t WHERE k = 10;
UPDATE t SET u = 11 WHERE k = 20;
INSERT INTO t (k, u) VALUES (10, 21);
COMMIT;
UPDATE parent SET u = u + 100;
DELETE FROM parent WHERE k = 3;
