CREATE TABLE t (a int, b text, large text);
ALTER TABLE t REPLICA IDENTITY FULL;
ALTER TABLE t ALTER large SET STORAGE EXTERNAL;
INSERT INTO t SELECT i % 3, 'b', repeat('x', 5000) FROM generate_series(1, 9) AS i;
