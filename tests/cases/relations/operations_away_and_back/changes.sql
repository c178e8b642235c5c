INSERT INTO t VALUES (100, 'before');
ALTER PUBLICATION walferry_app SET (publish = 'insert');
UPDATE t SET v = 'meanwhile' WHERE k < 10;
DELETE FROM t WHERE k > 15;
ALTER PUBLICATION walferry_app SET (publish = 'insert, update, delete, truncate');
UPDATE t SET v = 'after' WHERE k = 5;
