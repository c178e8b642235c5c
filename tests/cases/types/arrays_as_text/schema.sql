CREATE TABLE t22 (k int PRIMARY KEY, v xml[]);
INSERT INTO t22 VALUES
    (1, ARRAY['<a/>'::xml]),
    (2, NULL);
CREATE TABLE t22_whole (v xml[]);
ALTER TABLE t22_whole REPLICA IDENTITY FULL;
INSERT INTO t22_whole SELECT v FROM t22;
CREATE TABLE t23 (k int PRIMARY KEY, v tsvector[]);
INSERT INTO t23 VALUES
    (1, ARRAY['a:1 b:2'::tsvector]),
    (2, NULL);
CREATE TABLE t23_whole (v tsvector[]);
ALTER TABLE t23_whole REPLICA IDENTITY FULL;
INSERT INTO t23_whole SELECT v FROM t23;
CREATE TABLE t26 (k int PRIMARY KEY, v regclass[]);
INSERT INTO t26 VALUES
    (1, '{pg_class,0}'),
    (2, NULL);
CREATE TABLE t26_whole (v regclass[]);
ALTER TABLE t26_whole REPLICA IDENTITY FULL;
INSERT INTO t26_whole SELECT v FROM t26;
CREATE TABLE t27 (k int PRIMARY KEY, v int2vector);
INSERT INTO t27 VALUES
    (1, '1 2 3'),
    (2, ''),
    (3, NULL);
CREATE TABLE t27_whole (v int2vector);
ALTER TABLE t27_whole REPLICA IDENTITY FULL;
INSERT INTO t27_whole SELECT v FROM t27;
CREATE TABLE t28 (k int PRIMARY KEY, v oidvector);
INSERT INTO t28 VALUES
    (1, '1 2 4294967295'),
    (2, ''),
    (3, NULL);
CREATE TABLE t28_whole (v oidvector);
ALTER TABLE t28_whole REPLICA IDENTITY FULL;
INSERT INTO t28_whole SELECT v FROM t28;
CREATE TABLE t29 (k int PRIMARY KEY, v int2vector[]);
INSERT INTO t29 VALUES
    (1, ARRAY['1 2'::int2vector]),
    (2, NULL);
CREATE TABLE t29_whole (v int2vector[]);
ALTER TABLE t29_whole REPLICA IDENTITY FULL;
INSERT INTO t29_whole SELECT v FROM t29;
\ir ../each_value.sql
