CREATE TABLE t (k int PRIMARY KEY, plain text, external text, extended text, main text, v int);
ALTER TABLE t ALTER plain SET STORAGE PLAIN, ALTER external SET STORAGE EXTERNAL, ALTER main SET STORAGE MAIN;
INSERT INTO t SELECT i, repeat('p', 100), repeat('e', 10000), repeat('x', 1000000), repeat('m', 100000), i FROM generate_series(1, 5) AS i;
