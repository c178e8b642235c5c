-- from: 11
CREATE TABLE t (k int PRIMARY KEY, a text, b numeric, large text);
ALTER TABLE t ALTER large SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, 'a' || i, i / 3.0, repeat('x', 5000) FROM generate_series(1, 10) AS i;
