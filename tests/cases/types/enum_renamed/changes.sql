INSERT INTO t VALUES (4, 'sad', '{ok}');
UPDATE t SET v = 'ok' WHERE k = 3;
ALTER TYPE mood RENAME VALUE 'sad' TO 'gloomy';
INSERT INTO t VALUES (5, 'gloomy', '{ok,gloomy}');
UPDATE keyed SET v = 10 WHERE k = 'gloomy';
ALTER TYPE mood ADD VALUE 'happy' AFTER 'gloomy';
UPDATE t SET v = 'happy' WHERE k = 1;
UPDATE keyed SET k = 'happy' WHERE k = 'gloomy';
