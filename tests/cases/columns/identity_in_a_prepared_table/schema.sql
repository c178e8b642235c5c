CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY, k text PRIMARY KEY, large text, v int);
ALTER TABLE t ALTER large SET STORAGE EXTERNAL;
INSERT INTO t (k, large, v) SELECT 'k' || i, repeat('x', 5000), i FROM generate_series(1, 10) AS i;
