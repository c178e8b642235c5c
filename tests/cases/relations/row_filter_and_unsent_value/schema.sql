-- expect: halted without one of its values
-- a row that enters the filter comes without its unchanged out-of-line value: nobody has that
CREATE TABLE t (k int PRIMARY KEY, large text);
ALTER TABLE t ALTER large SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, repeat('x', 5000) FROM generate_series(1, 20) AS i;
