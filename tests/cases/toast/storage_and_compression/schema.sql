CREATE TABLE t (k int PRIMARY KEY, plain text STORAGE PLAIN, external text STORAGE EXTERNAL, extended text STORAGE EXTENDED, main text STORAGE MAIN, v int);
INSERT INTO t SELECT i, repeat('p', 100), repeat('e', 10000), repeat('x', 1000000), repeat('m', 100000), i FROM generate_series(1, 5) AS i;
