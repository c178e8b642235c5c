CREATE TABLE t (k int PRIMARY KEY, v text);
CREATE TABLE half_undone (k int PRIMARY KEY, v text);
