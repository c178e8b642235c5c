-- joins: shapes change
CREATE TABLE t (k int PRIMARY KEY, v varchar(10), n numeric(5,2), i int, d text);
INSERT INTO t SELECT i, 'row ' || i, i, i, (i * 1.5)::text FROM generate_series(1, 100) AS i;
CREATE TABLE quiet (k int PRIMARY KEY, v int);
INSERT INTO quiet SELECT i, i FROM generate_series(1, 100) AS i;
CREATE TABLE using_other_values (k int PRIMARY KEY, v int);
INSERT INTO using_other_values SELECT i, i FROM generate_series(1, 100) AS i;
CREATE TABLE key_type (k int PRIMARY KEY, v int);
INSERT INTO key_type SELECT i, i FROM generate_series(1, 100) AS i;
