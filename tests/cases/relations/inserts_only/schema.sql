CREATE TABLE t (v text);
INSERT INTO t VALUES ('one');
CREATE TABLE keyed (k int PRIMARY KEY, v text);
