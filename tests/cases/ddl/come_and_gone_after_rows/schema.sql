-- joins: a shape comes and goes
-- heap has no key: a row that came twice would show
CREATE TABLE heap (v int);
CREATE TABLE u (id int PRIMARY KEY, n int);
INSERT INTO u SELECT i, 0 FROM generate_series(1, 10) AS i;
CREATE TABLE t (id int PRIMARY KEY, n int);
INSERT INTO t SELECT i, 0 FROM generate_series(1, 10) AS i;
