CREATE TABLE t01 (k int PRIMARY KEY, v regclass);
INSERT INTO t01 VALUES
    (1, 'pg_class'),
    (2, '0'),
    (3, '4294967295'),
    (4, NULL);
CREATE TABLE t01_whole (v regclass);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v regproc);
INSERT INTO t02 VALUES
    (1, 'now'),
    (2, '0'),
    (3, '4294967295'),
    (4, NULL);
CREATE TABLE t02_whole (v regproc);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v regprocedure);
INSERT INTO t03 VALUES
    (1, 'sum(integer)'),
    (2, '0'),
    (3, NULL);
CREATE TABLE t03_whole (v regprocedure);
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v regoper);
INSERT INTO t04 VALUES
    (1, '|/'),
    (2, '0'),
    (3, NULL);
CREATE TABLE t04_whole (v regoper);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v regoperator);
INSERT INTO t05 VALUES
    (1, '+(integer,integer)'),
    (2, '0'),
    (3, NULL);
CREATE TABLE t05_whole (v regoperator);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
CREATE TABLE t06 (k int PRIMARY KEY, v regtype);
INSERT INTO t06 VALUES
    (1, 'integer'),
    (2, 'character varying'),
    (3, '0'),
    (4, NULL);
CREATE TABLE t06_whole (v regtype);
ALTER TABLE t06_whole REPLICA IDENTITY FULL;
INSERT INTO t06_whole SELECT v FROM t06;
CREATE TABLE t07 (k int PRIMARY KEY, v regnamespace);
INSERT INTO t07 VALUES
    (1, 'pg_catalog'),
    (2, '0'),
    (3, NULL);
CREATE TABLE t07_whole (v regnamespace);
ALTER TABLE t07_whole REPLICA IDENTITY FULL;
INSERT INTO t07_whole SELECT v FROM t07;
CREATE TABLE t08 (k int PRIMARY KEY, v regcollation);
INSERT INTO t08 VALUES
    (1, $$"C"$$),
    (2, NULL);
CREATE TABLE t08_whole (v regcollation);
ALTER TABLE t08_whole REPLICA IDENTITY FULL;
INSERT INTO t08_whole SELECT v FROM t08;
CREATE TABLE t09 (k int PRIMARY KEY, v regconfig);
INSERT INTO t09 VALUES
    (1, 'simple'),
    (2, '0'),
    (3, NULL);
CREATE TABLE t09_whole (v regconfig);
ALTER TABLE t09_whole REPLICA IDENTITY FULL;
INSERT INTO t09_whole SELECT v FROM t09;
CREATE TABLE t10 (k int PRIMARY KEY, v regdictionary);
INSERT INTO t10 VALUES
    (1, 'simple'),
    (2, '0'),
    (3, NULL);
CREATE TABLE t10_whole (v regdictionary);
ALTER TABLE t10_whole REPLICA IDENTITY FULL;
INSERT INTO t10_whole SELECT v FROM t10;
CREATE TABLE t11 (k int PRIMARY KEY, v regrole);
INSERT INTO t11 VALUES
    (1, 'pg_monitor'),
    (2, '0'),
    (3, NULL);
CREATE TABLE t11_whole (v regrole);
ALTER TABLE t11_whole REPLICA IDENTITY FULL;
INSERT INTO t11_whole SELECT v FROM t11;
CREATE TABLE t12 (k int PRIMARY KEY, v aclitem);
INSERT INTO t12 VALUES
    (1, 'postgres=r/postgres'),
    (2, '=r*/postgres'),
    (3, NULL);
CREATE TABLE t12_whole (v aclitem);
ALTER TABLE t12_whole REPLICA IDENTITY FULL;
INSERT INTO t12_whole SELECT v FROM t12;
CREATE TABLE t13 (k int PRIMARY KEY, v refcursor);
INSERT INTO t13 VALUES
    (1, ''),
    (2, 'c'),
    (3, NULL);
CREATE TABLE t13_whole (v refcursor);
ALTER TABLE t13_whole REPLICA IDENTITY FULL;
INSERT INTO t13_whole SELECT v FROM t13;
\ir ../each_value.sql
