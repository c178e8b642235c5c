CREATE TABLE t (gone1 int, k int, gone2 text, v text, gone3 int DEFAULT 7, n int, PRIMARY KEY (k));
INSERT INTO t SELECT i, i, 'gone', 'row ' || i, i, i FROM generate_series(1, 10) AS i;
ALTER TABLE t DROP gone1, DROP gone2, DROP gone3;
INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(11, 20) AS i;
ALTER TABLE t ADD later text DEFAULT 'constant', ADD volatile float8 DEFAULT random();
CREATE TABLE whole (gone int, a int, gone2 text, b text);
ALTER TABLE whole REPLICA IDENTITY FULL;
INSERT INTO whole SELECT i, i % 3, 'x', 'b' || i % 2 FROM generate_series(1, 12) AS i;
ALTER TABLE whole DROP gone, DROP gone2;
