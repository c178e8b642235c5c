CREATE TEMP TABLE temporary (v text);
INSERT INTO temporary VALUES ('one');
UPDATE temporary SET v = 'two';
DELETE FROM temporary;
UPDATE unlogged SET v = 'two';
DELETE FROM unlogged;
INSERT INTO t VALUES (1, 'one');
ALTER TABLE unlogged ADD k int PRIMARY KEY;
