-- in place: no row changes by it
CREATE TABLE t (k int PRIMARY KEY, a text, b text);
INSERT INTO t SELECT i, 'a' || i, 'b' || i FROM generate_series(1, 100) AS i;
CREATE TABLE traded (k int PRIMARY KEY, a text, b text);
INSERT INTO traded SELECT i, 'a' || i, 'b' || i FROM generate_series(1, 100) AS i;
CREATE TABLE key (k int PRIMARY KEY, n int);
INSERT INTO key SELECT i, i FROM generate_series(1, 100) AS i;
CREATE TABLE quiet (k int PRIMARY KEY, v text);
INSERT INTO quiet VALUES (1, 'one');
