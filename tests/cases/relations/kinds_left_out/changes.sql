INSERT INTO unlogged VALUES (2, 'two');
UPDATE seen SET v = 'through the view';
INSERT INTO seen VALUES (2, 'through the view');
REFRESH MATERIALIZED VIEW kept;
SELECT nextval('numbers');
TRUNCATE unlogged;
UPDATE t SET v = v || '!' WHERE k = 2;
