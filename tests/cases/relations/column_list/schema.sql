CREATE TABLE t (secret text, k int PRIMARY KEY, v text, other int, large text);
ALTER TABLE t ALTER large SET STORAGE EXTERNAL, ALTER secret SET STORAGE EXTERNAL;
INSERT INTO t SELECT repeat('secret', 1000), i, 'row ' || i, i, repeat('x', 5000) FROM generate_series(1, 20) AS i;
