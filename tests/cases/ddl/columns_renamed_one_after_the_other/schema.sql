-- joins: shapes change
CREATE TABLE t (k int PRIMARY KEY, a text, b text, c int);
INSERT INTO t SELECT i, 'a' || i, 'b' || i, i FROM generate_series(1, 100) AS i;
CREATE TABLE quiet (k int PRIMARY KEY, v text);
INSERT INTO quiet VALUES (1, 'one');
