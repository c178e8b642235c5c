CREATE TABLE t (k int PRIMARY KEY, v int, note text);
CREATE TABLE in_many_transactions (k int PRIMARY KEY, v int, note text);
