CREATE TABLE parent (k int PRIMARY KEY);
CREATE TABLE t (k int PRIMARY KEY, large text NOT NULL, n int NOT NULL CHECK (n > 0), parent int NOT NULL REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, EXCLUDE USING btree (n WITH =));
ALTER TABLE t ALTER large SET STORAGE EXTERNAL;
INSERT INTO parent SELECT generate_series(1, 5);
INSERT INTO t SELECT i, repeat('x', 5000), i, i FROM generate_series(1, 5) AS i;
