-- joins: shapes change
CREATE TABLE t (k int PRIMARY KEY, v text);
INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 100) AS i;
CREATE TABLE copies (a text);
ALTER TABLE copies REPLICA IDENTITY FULL;
INSERT INTO copies VALUES ('copy'), ('copy');
