INSERT INTO t VALUES ('[1,2)', '[2022-01-01,2023-01-01)', 'later');
UPDATE t SET v = 'changed' WHERE id = '[2,3)';
UPDATE t SET at = '[2021-01-01,2022-01-01)' WHERE id = '[1,2)' AND v = 'row 1';
UPDATE t SET id = '[30,31)' WHERE id = '[3,4)';
DELETE FROM t WHERE id = '[4,5)';
INSERT INTO whole VALUES ('[1,2)', '[2022-01-01,2023-01-01)', 'later');
UPDATE whole SET v = 'changed' WHERE id = '[2,3)';
UPDATE whole SET id = '[30,31)' WHERE id = '[3,4)';
DELETE FROM whole WHERE id = '[4,5)';
