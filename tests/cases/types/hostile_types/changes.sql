UPDATE t SET a = 'y', b = ROW(2, '''', k, '{}') WHERE a IS NULL;
DELETE FROM t WHERE k IN (' ', '"', '$$');
UPDATE t SET k = '$$' WHERE k = 'NULL';
UPDATE t SET k = ' ', c = NULL WHERE k = E'new\nline';
INSERT INTO t (k, e) VALUES ('"', '{brackets,NULL,brackets}');
UPDATE whole SET w = NULL WHERE v = E'\\';
UPDATE whole SET v = ',' WHERE v = '{}';
DELETE FROM whole WHERE v = 'ä€😀';
