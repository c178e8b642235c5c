DELETE FROM small WHERE k % 3 = 0;
DELETE FROM big WHERE k % 30000000000 = 0;
DELETE FROM days WHERE v LIKE '%3' OR NOT isfinite(k);
DELETE FROM moments WHERE v LIKE '%3' OR NOT isfinite(k);
DELETE FROM local_moments WHERE v LIKE '%3';
DELETE FROM several WHERE a = 3;
DELETE FROM mixed WHERE b LIKE '%3';
-- with rows that take the places of others
BEGIN;
UPDATE small SET k = k + 1000 WHERE k > 50;
DELETE FROM small WHERE k < 0;
INSERT INTO small SELECT i, 'again' FROM generate_series(-20, -1) AS i;
COMMIT;
UPDATE several SET id = md5(id::text)::uuid, b = b + 1 WHERE a < 3;
DELETE FROM several;
INSERT INTO several VALUES ('v', 1, '00000000-0000-0000-0000-000000000000', 1);
