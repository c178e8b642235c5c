-- binary: all of these types can
CREATE TABLE t01 (k int PRIMARY KEY, v text);
INSERT INTO t01 VALUES
    (1, E''),
    (2, E' '),
    (3, E'\\N'),
    (4, E'\\.'),
    (5, E'\n\\.\n'),
    (6, E'\t'),
    (7, E'\r'),
    (8, E'\n'),
    (9, E'\r\n'),
    (10, E'\\'),
    (11, E'\\\\'),
    (12, E'a\tb\nc\rd\\e'),
    (13, E'trailing  '),
    (14, E'\b\f\v\x01\x7f'),
    (15, E'😀'),
    (16, E'a\u0308'),
    (17, E'\u200b\ufeff'),
    (18, E'NULL'),
    (19, E'"'),
    (20, E'\''),
    (21, E'{}'),
    (22, E'(,)'),
    (23, E'$1'),
    (24, E'%s'),
    (25, E'--'),
    (26, NULL);
CREATE TABLE t01_whole (v text);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v varchar);
INSERT INTO t02 VALUES
    (1, E''),
    (2, E' '),
    (3, E'x\ty'),
    (4, NULL);
CREATE TABLE t02_whole (v varchar);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v varchar(5));
INSERT INTO t03 VALUES
    (1, E''),
    (2, E'abc  '),
    (3, E'äöü😀'),
    (4, NULL);
CREATE TABLE t03_whole (v varchar(5));
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v char(5));
INSERT INTO t04 VALUES
    (1, E''),
    (2, E'a'),
    (3, E'a    '),
    (4, E'ab\tc'),
    (5, E'äöü'),
    (6, NULL);
CREATE TABLE t04_whole (v char(5));
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v char);
INSERT INTO t05 VALUES
    (1, E''),
    (2, E' '),
    (3, E'x'),
    (4, NULL);
CREATE TABLE t05_whole (v char);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
CREATE TABLE t06 (k int PRIMARY KEY, v name);
INSERT INTO t06 VALUES
    (1, E''),
    (2, E'a'),
    (3, E'"quoted"'),
    (4, NULL);
CREATE TABLE t06_whole (v name);
ALTER TABLE t06_whole REPLICA IDENTITY FULL;
INSERT INTO t06_whole SELECT v FROM t06;
CREATE TABLE t07 (k int PRIMARY KEY, v "char");
INSERT INTO t07 VALUES
    (1, ''),
    (2, 'a'),
    (3, '\\'),
    (4, E'\\000'),
    (5, E'\n'),
    (6, E'\t'),
    (7, NULL);
CREATE TABLE t07_whole (v "char");
ALTER TABLE t07_whole REPLICA IDENTITY FULL;
INSERT INTO t07_whole SELECT v FROM t07;
CREATE TABLE t08 (k int PRIMARY KEY, v bytea);
INSERT INTO t08 VALUES
    (1, ''),
    (2, '\x00'),
    (3, '\x5c'),
    (4, '\x5c4e'),
    (5, '\x5c2e0a'),
    (6, '\x000102090a0d5cff'),
    (7, decode(repeat('00ff', 50000), 'hex')),
    (8, NULL);
CREATE TABLE t08_whole (v bytea);
ALTER TABLE t08_whole REPLICA IDENTITY FULL;
INSERT INTO t08_whole SELECT v FROM t08;
CREATE TABLE t09 (k int PRIMARY KEY, v uuid);
INSERT INTO t09 VALUES
    (1, '00000000-0000-0000-0000-000000000000'),
    (2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
    (3, 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'),
    (4, NULL);
CREATE TABLE t09_whole (v uuid);
ALTER TABLE t09_whole REPLICA IDENTITY FULL;
INSERT INTO t09_whole SELECT v FROM t09;
CREATE TABLE t10 (k int PRIMARY KEY, v bool);
INSERT INTO t10 VALUES
    (1, 't'),
    (2, 'f'),
    (3, NULL);
CREATE TABLE t10_whole (v bool);
ALTER TABLE t10_whole REPLICA IDENTITY FULL;
INSERT INTO t10_whole SELECT v FROM t10;
CREATE TABLE t11 (k int PRIMARY KEY, v bit);
INSERT INTO t11 VALUES
    (1, '0'),
    (2, '1'),
    (3, NULL);
CREATE TABLE t11_whole (v bit);
ALTER TABLE t11_whole REPLICA IDENTITY FULL;
INSERT INTO t11_whole SELECT v FROM t11;
CREATE TABLE t12 (k int PRIMARY KEY, v bit(8));
INSERT INTO t12 VALUES
    (1, '00000000'),
    (2, '11111111'),
    (3, '01010101'),
    (4, NULL);
CREATE TABLE t12_whole (v bit(8));
ALTER TABLE t12_whole REPLICA IDENTITY FULL;
INSERT INTO t12_whole SELECT v FROM t12;
CREATE TABLE t13 (k int PRIMARY KEY, v varbit);
INSERT INTO t13 VALUES
    (1, ''),
    (2, '0'),
    (3, '00'),
    (4, '101010101'),
    (5, NULL);
CREATE TABLE t13_whole (v varbit);
ALTER TABLE t13_whole REPLICA IDENTITY FULL;
INSERT INTO t13_whole SELECT v FROM t13;
CREATE TABLE t14 (k int PRIMARY KEY, v varbit(3));
INSERT INTO t14 VALUES
    (1, ''),
    (2, '1'),
    (3, '111'),
    (4, NULL);
CREATE TABLE t14_whole (v varbit(3));
ALTER TABLE t14_whole REPLICA IDENTITY FULL;
INSERT INTO t14_whole SELECT v FROM t14;
CREATE TABLE t15 (k int PRIMARY KEY, v bit(83));
INSERT INTO t15 VALUES
    (1, repeat('10', 41)::bit(83)),
    (2, NULL);
CREATE TABLE t15_whole (v bit(83));
ALTER TABLE t15_whole REPLICA IDENTITY FULL;
INSERT INTO t15_whole SELECT v FROM t15;
\ir ../each_value.sql
