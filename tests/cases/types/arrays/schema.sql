-- destination from: 14
-- binary: all of these types can
CREATE TABLE t01 (k int PRIMARY KEY, v int[]);
INSERT INTO t01 VALUES
    (1, '{}'),
    (2, '{1}'),
    (3, '{NULL}'),
    (4, '{1,NULL,-2147483648}'),
    (5, '{{1,2},{3,4}}'),
    (6, '[0:2]={1,2,3}'),
    (7, '[-5:-4][7:8]={{1,2},{3,4}}'),
    (8, '{{{{{{1}}}}}}'),
    (9, NULL);
CREATE TABLE t01_whole (v int[]);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v int[3][2]);
INSERT INTO t02 VALUES
    (1, '{1,2}'),
    (2, NULL);
CREATE TABLE t02_whole (v int[3][2]);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v text[]);
INSERT INTO t03 VALUES
    (1, '{}'),
    (2, '{NULL}'),
    (3, '{"NULL"}'),
    (4, '{""}'),
    (5, '{"a,b","{}","\"","\\","\\N"}'),
    (6, '{"tab\there"}'),
    (7, '{" lead","trail "}'),
    (8, '{null,nULL}'),
    (9, NULL),
    (10, ARRAY[E'\n', E'\t', E'\r\n', E'\\.']);
CREATE TABLE t03_whole (v text[]);
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v numeric[]);
INSERT INTO t04 VALUES
    (1, '{1.0,1.00,NaN,Infinity}'),
    (2, NULL);
CREATE TABLE t04_whole (v numeric[]);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v float8[]);
INSERT INTO t05 VALUES
    (1, '{NaN,-0,Infinity,5e-324}'),
    (2, NULL);
CREATE TABLE t05_whole (v float8[]);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
CREATE TABLE t06 (k int PRIMARY KEY, v float4[]);
INSERT INTO t06 VALUES
    (1, '{-0,0.1}'),
    (2, NULL);
CREATE TABLE t06_whole (v float4[]);
ALTER TABLE t06_whole REPLICA IDENTITY FULL;
INSERT INTO t06_whole SELECT v FROM t06;
CREATE TABLE t07 (k int PRIMARY KEY, v bool[]);
INSERT INTO t07 VALUES
    (1, '{t,f,NULL}'),
    (2, NULL);
CREATE TABLE t07_whole (v bool[]);
ALTER TABLE t07_whole REPLICA IDENTITY FULL;
INSERT INTO t07_whole SELECT v FROM t07;
CREATE TABLE t08 (k int PRIMARY KEY, v timestamptz[]);
INSERT INTO t08 VALUES
    (1, '{infinity,-infinity,"2020-01-01 00:00:00+02"}'),
    (2, NULL);
CREATE TABLE t08_whole (v timestamptz[]);
ALTER TABLE t08_whole REPLICA IDENTITY FULL;
INSERT INTO t08_whole SELECT v FROM t08;
CREATE TABLE t09 (k int PRIMARY KEY, v date[]);
INSERT INTO t09 VALUES
    (1, '{infinity,"4713-01-01 BC"}'),
    (2, NULL);
CREATE TABLE t09_whole (v date[]);
ALTER TABLE t09_whole REPLICA IDENTITY FULL;
INSERT INTO t09_whole SELECT v FROM t09;
CREATE TABLE t10 (k int PRIMARY KEY, v interval[]);
INSERT INTO t10 VALUES
    (1, '{"1 mon -1 days","00:00:01"}'),
    (2, NULL);
CREATE TABLE t10_whole (v interval[]);
ALTER TABLE t10_whole REPLICA IDENTITY FULL;
INSERT INTO t10_whole SELECT v FROM t10;
CREATE TABLE t11 (k int PRIMARY KEY, v bytea[]);
INSERT INTO t11 VALUES
    (1, ARRAY['\x00'::bytea, '\x5c', '']),
    (2, NULL);
CREATE TABLE t11_whole (v bytea[]);
ALTER TABLE t11_whole REPLICA IDENTITY FULL;
INSERT INTO t11_whole SELECT v FROM t11;
CREATE TABLE t12 (k int PRIMARY KEY, v json[]);
INSERT INTO t12 VALUES
    (1, ARRAY['{"a":  1}'::json, 'null', NULL]),
    (2, NULL);
CREATE TABLE t12_whole (v json[]);
ALTER TABLE t12_whole REPLICA IDENTITY FULL;
INSERT INTO t12_whole SELECT v FROM t12;
CREATE TABLE t13 (k int PRIMARY KEY, v jsonb[]);
INSERT INTO t13 VALUES
    (1, ARRAY['{"a":  1}'::jsonb, '"\\"']),
    (2, NULL);
CREATE TABLE t13_whole (v jsonb[]);
ALTER TABLE t13_whole REPLICA IDENTITY FULL;
INSERT INTO t13_whole SELECT v FROM t13;
CREATE TABLE t14 (k int PRIMARY KEY, v uuid[]);
INSERT INTO t14 VALUES
    (1, '{00000000-0000-0000-0000-000000000000}'),
    (2, NULL);
CREATE TABLE t14_whole (v uuid[]);
ALTER TABLE t14_whole REPLICA IDENTITY FULL;
INSERT INTO t14_whole SELECT v FROM t14;
CREATE TABLE t15 (k int PRIMARY KEY, v inet[]);
INSERT INTO t15 VALUES
    (1, '{10.0.0.1/8,::1}'),
    (2, NULL);
CREATE TABLE t15_whole (v inet[]);
ALTER TABLE t15_whole REPLICA IDENTITY FULL;
INSERT INTO t15_whole SELECT v FROM t15;
CREATE TABLE t16 (k int PRIMARY KEY, v point[]);
INSERT INTO t16 VALUES
    (1, '{"(1,2)","(-0,NaN)"}'),
    (2, NULL);
CREATE TABLE t16_whole (v point[]);
ALTER TABLE t16_whole REPLICA IDENTITY FULL;
INSERT INTO t16_whole SELECT v FROM t16;
CREATE TABLE t17 (k int PRIMARY KEY, v box[]);
INSERT INTO t17 VALUES
    (1, '{(1,1),(0,0);(2,2),(1,1)}'),
    (2, NULL);
CREATE TABLE t17_whole (v box[]);
ALTER TABLE t17_whole REPLICA IDENTITY FULL;
INSERT INTO t17_whole SELECT v FROM t17;
CREATE TABLE t18 (k int PRIMARY KEY, v varchar(3)[]);
INSERT INTO t18 VALUES
    (1, '{abc,"a  "}'),
    (2, NULL);
CREATE TABLE t18_whole (v varchar(3)[]);
ALTER TABLE t18_whole REPLICA IDENTITY FULL;
INSERT INTO t18_whole SELECT v FROM t18;
CREATE TABLE t19 (k int PRIMARY KEY, v char(3)[]);
INSERT INTO t19 VALUES
    (1, '{a,"  ",abc}'),
    (2, NULL);
CREATE TABLE t19_whole (v char(3)[]);
ALTER TABLE t19_whole REPLICA IDENTITY FULL;
INSERT INTO t19_whole SELECT v FROM t19;
CREATE TABLE t20 (k int PRIMARY KEY, v name[]);
INSERT INTO t20 VALUES
    (1, '{a,b}'),
    (2, NULL);
CREATE TABLE t20_whole (v name[]);
ALTER TABLE t20_whole REPLICA IDENTITY FULL;
INSERT INTO t20_whole SELECT v FROM t20;
CREATE TABLE t21 (k int PRIMARY KEY, v bit(3)[]);
INSERT INTO t21 VALUES
    (1, '{101,000}'),
    (2, NULL);
CREATE TABLE t21_whole (v bit(3)[]);
ALTER TABLE t21_whole REPLICA IDENTITY FULL;
INSERT INTO t21_whole SELECT v FROM t21;
CREATE TABLE t24 (k int PRIMARY KEY, v money[]);
INSERT INTO t24 VALUES
    (1, '{1.00,-2.50}'),
    (2, NULL);
CREATE TABLE t24_whole (v money[]);
ALTER TABLE t24_whole REPLICA IDENTITY FULL;
INSERT INTO t24_whole SELECT v FROM t24;
CREATE TABLE t25 (k int PRIMARY KEY, v "char"[]);
INSERT INTO t25 VALUES
    (1, '{a,b}'),
    (2, NULL);
CREATE TABLE t25_whole (v "char"[]);
ALTER TABLE t25_whole REPLICA IDENTITY FULL;
INSERT INTO t25_whole SELECT v FROM t25;
\ir ../each_value.sql
