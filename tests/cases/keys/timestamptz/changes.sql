SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'German';
UPDATE t SET v = v + 10;
UPDATE t SET k = k + interval '1 microsecond' WHERE v IN (13, 15, 16);
DELETE FROM t WHERE v IN (11, 17);
INSERT INTO t VALUES ('-infinity', 100);
UPDATE without_zone SET v = v + 10;
UPDATE without_zone SET k = k + interval '1 microsecond' WHERE v IN (13, 15);
DELETE FROM without_zone WHERE v IN (11, 14);
