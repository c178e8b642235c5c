-- none of these indexes can find a row
CREATE TABLE t (a int, b text, c int);
ALTER TABLE t REPLICA IDENTITY FULL;
CREATE INDEX ON t (a) WHERE a > 5;
CREATE INDEX ON t (upper(b));
CREATE INDEX ON t USING hash (c);
CREATE INDEX ON t (c, (a + c)) INCLUDE (b);
INSERT INTO t SELECT nullif(i % 10, 3), nullif('b' || i % 4, 'b2'), nullif(i % 6, 0) FROM generate_series(1, 60) AS i;
