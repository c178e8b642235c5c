-- binary: all of these types can
CREATE TABLE t (a int, b text, c float8);
ALTER TABLE t REPLICA IDENTITY FULL;
INSERT INTO t SELECT i % 10, 'b' || i % 4, NULLIF(i % 3, 0) FROM generate_series(1, 120) AS i;
