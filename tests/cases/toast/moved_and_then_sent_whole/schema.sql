CREATE TABLE t (k int PRIMARY KEY, n int, large text);
ALTER TABLE t ALTER large SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, i, repeat(i::text, 5000) FROM generate_series(1, 5) AS i;
