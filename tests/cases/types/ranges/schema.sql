CREATE TABLE t01 (k int PRIMARY KEY, v int4range);
INSERT INTO t01 VALUES
    (1, 'empty'),
    (2, '(,)'),
    (3, '[1,2)'),
    (4, '[1,)'),
    (5, '(,5]'),
    (6, NULL);
CREATE TABLE t01_whole (v int4range);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v int8range);
INSERT INTO t02 VALUES
    (1, 'empty'),
    (2, '[-9223372036854775808,9223372036854775806]'),
    (3, NULL);
CREATE TABLE t02_whole (v int8range);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v numrange);
INSERT INTO t03 VALUES
    (1, '[1.0,1.00]'),
    (2, '(1.5,2.50)'),
    (3, '(,)'),
    (4, '[NaN,NaN]'),
    (5, NULL);
CREATE TABLE t03_whole (v numrange);
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v daterange);
INSERT INTO t04 VALUES
    (1, '[2020-01-01,2020-12-31]'),
    (2, '[-infinity,infinity]'),
    (3, '[4713-01-01 BC,)'),
    (4, NULL);
CREATE TABLE t04_whole (v daterange);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v tsrange);
INSERT INTO t05 VALUES
    (1, '[2020-01-01 00:00:00.000001,infinity]'),
    (2, 'empty'),
    (3, NULL);
CREATE TABLE t05_whole (v tsrange);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
CREATE TABLE t06 (k int PRIMARY KEY, v tstzrange);
INSERT INTO t06 VALUES
    (1, '[2020-01-01 00:00+02,2021-01-01 00:00-05)'),
    (2, '(,)'),
    (3, NULL);
CREATE TABLE t06_whole (v tstzrange);
ALTER TABLE t06_whole REPLICA IDENTITY FULL;
INSERT INTO t06_whole SELECT v FROM t06;
CREATE TABLE t07 (k int PRIMARY KEY, v int4multirange);
INSERT INTO t07 VALUES
    (1, '{}'),
    (2, '{[1,2),[5,9)}'),
    (3, '{(,)}'),
    (4, '{(,1),[3,)}'),
    (5, NULL);
CREATE TABLE t07_whole (v int4multirange);
ALTER TABLE t07_whole REPLICA IDENTITY FULL;
INSERT INTO t07_whole SELECT v FROM t07;
CREATE TABLE t08 (k int PRIMARY KEY, v int8multirange);
INSERT INTO t08 VALUES
    (1, '{[1,5)}'),
    (2, NULL);
CREATE TABLE t08_whole (v int8multirange);
ALTER TABLE t08_whole REPLICA IDENTITY FULL;
INSERT INTO t08_whole SELECT v FROM t08;
CREATE TABLE t09 (k int PRIMARY KEY, v nummultirange);
INSERT INTO t09 VALUES
    (1, '{[1.0,2.00),[3,4]}'),
    (2, '{}'),
    (3, NULL);
CREATE TABLE t09_whole (v nummultirange);
ALTER TABLE t09_whole REPLICA IDENTITY FULL;
INSERT INTO t09_whole SELECT v FROM t09;
CREATE TABLE t10 (k int PRIMARY KEY, v datemultirange);
INSERT INTO t10 VALUES
    (1, '{[2020-01-01,2020-02-01),[2021-01-01,infinity)}'),
    (2, NULL);
CREATE TABLE t10_whole (v datemultirange);
ALTER TABLE t10_whole REPLICA IDENTITY FULL;
INSERT INTO t10_whole SELECT v FROM t10;
CREATE TABLE t11 (k int PRIMARY KEY, v tsmultirange);
INSERT INTO t11 VALUES
    (1, '{[2020-01-01,2020-02-01)}'),
    (2, NULL);
CREATE TABLE t11_whole (v tsmultirange);
ALTER TABLE t11_whole REPLICA IDENTITY FULL;
INSERT INTO t11_whole SELECT v FROM t11;
CREATE TABLE t12 (k int PRIMARY KEY, v tstzmultirange);
INSERT INTO t12 VALUES
    (1, '{[2020-01-01 00:00+02,2020-02-01 00:00+02)}'),
    (2, NULL);
CREATE TABLE t12_whole (v tstzmultirange);
ALTER TABLE t12_whole REPLICA IDENTITY FULL;
INSERT INTO t12_whole SELECT v FROM t12;
CREATE TABLE t13 (k int PRIMARY KEY, v int4range[]);
INSERT INTO t13 VALUES
    (1, '{empty,"[1,2)",NULL}'),
    (2, NULL);
CREATE TABLE t13_whole (v int4range[]);
ALTER TABLE t13_whole REPLICA IDENTITY FULL;
INSERT INTO t13_whole SELECT v FROM t13;
CREATE TABLE t14 (k int PRIMARY KEY, v int4multirange[]);
INSERT INTO t14 VALUES
    (1, '{"{}","{[1,2),[5,9)}"}'),
    (2, NULL);
CREATE TABLE t14_whole (v int4multirange[]);
ALTER TABLE t14_whole REPLICA IDENTITY FULL;
INSERT INTO t14_whole SELECT v FROM t14;
\ir ../each_value.sql
