CREATE TABLE t (k text PRIMARY KEY, a text, b text);
ALTER TABLE t ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
INSERT INTO t SELECT 'k' || i, repeat('a' || i, 3000), repeat('b' || i, 3000) FROM generate_series(1, 8) AS i;
CREATE TABLE one_column (large text);
ALTER TABLE one_column ALTER large SET STORAGE EXTERNAL;
ALTER TABLE one_column REPLICA IDENTITY FULL;
INSERT INTO one_column SELECT repeat('a' || i % 2, 3000) FROM generate_series(1, 6) AS i;
