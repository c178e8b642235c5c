UPDATE t SET v = v || '!' WHERE id % 2 = 0;
UPDATE t SET id = id + 100 WHERE id % 3 = 0;
UPDATE t SET part = part + 100 WHERE id % 5 = 0;
UPDATE t SET code = 'moved', id = -id WHERE id % 7 = 0;
DELETE FROM t WHERE code = 'c1';
UPDATE without_primary SET v = v || '!' WHERE code % 2 = 0;
UPDATE without_primary SET code = code + 100 WHERE code % 3 = 0;
DELETE FROM without_primary WHERE code % 5 = 0;
BEGIN;
UPDATE without_primary SET code = 1000 WHERE code = 1;
UPDATE without_primary SET code = 1 WHERE code = 2;
UPDATE without_primary SET code = 2 WHERE code = 1000;
COMMIT;
-- the primary key stands beside the identity, and its values trade places
BEGIN;
UPDATE t SET id = 2000 WHERE id = 2;
UPDATE t SET id = 2 WHERE id = 4;
UPDATE t SET id = 4 WHERE id = 2000;
COMMIT;
