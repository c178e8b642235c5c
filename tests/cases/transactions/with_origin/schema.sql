CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t VALUES (1, 'one');
