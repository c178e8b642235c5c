-- the destination has unique indexes of its own, whose values trade places
CREATE TABLE t (k int PRIMARY KEY, u int UNIQUE, p int, r int4range, large text);
ALTER TABLE t ALTER large SET STORAGE EXTERNAL;
INSERT INTO t SELECT i, i, i, int4range(i * 10, i * 10 + 10), repeat(i::text, 3000) FROM generate_series(1, 30) AS i;
CREATE TABLE parent (k int PRIMARY KEY, u int UNIQUE);
INSERT INTO parent SELECT i, i FROM generate_series(1, 10) AS i;
