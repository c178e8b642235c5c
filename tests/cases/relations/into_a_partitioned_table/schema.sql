-- expect: refused not an ordinary table
CREATE TABLE t (k int PRIMARY KEY, v text, large text);
ALTER TABLE t ALTER large SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, 'row ' || i, repeat('x', 5000) FROM generate_series(1, 30) AS i;
