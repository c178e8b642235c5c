CREATE TABLE t (k int PRIMARY KEY, v text);
