CREATE TYPE mood AS ENUM ('sad', 'with space', 'with,comma', 'with"quote', '');
CREATE DOMAIN small AS int CHECK (VALUE < 1000);
CREATE DOMAIN smaller AS small NOT NULL CHECK (VALUE > -5);
CREATE DOMAIN label AS varchar(20) DEFAULT 'none';
CREATE DOMAIN labels AS text[];
CREATE TYPE pair AS (a int, b text);
CREATE TYPE nested AS (p pair, moods mood[], ps pair[], n small);
CREATE TYPE floats AS RANGE (subtype = float8);
CREATE DOMAIN moods AS mood[];
CREATE TABLE t01 (k int PRIMARY KEY, v mood);
INSERT INTO t01 VALUES
    (1, 'sad'),
    (2, 'with space'),
    (3, 'with,comma'),
    (4, 'with"quote'),
    (5, ''),
    (6, NULL);
CREATE TABLE t01_whole (v mood);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v mood[]);
INSERT INTO t02 VALUES
    (1, '{}'),
    (2, '{sad,"with,comma",""}'),
    (3, '{NULL}'),
    (4, NULL);
CREATE TABLE t02_whole (v mood[]);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v small);
INSERT INTO t03 VALUES
    (1, '1'),
    (2, '-7'),
    (3, NULL);
CREATE TABLE t03_whole (v small);
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v label);
INSERT INTO t04 VALUES
    (1, 'x'),
    (2, ''),
    (3, NULL);
CREATE TABLE t04_whole (v label);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v labels);
INSERT INTO t05 VALUES
    (1, '{a,b}'),
    (2, '{}'),
    (3, NULL);
CREATE TABLE t05_whole (v labels);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
CREATE TABLE t06 (k int PRIMARY KEY, v pair);
INSERT INTO t06 VALUES
    (1, '(1,a)'),
    (2, '(,)'),
    (3, '(,"")'),
    (4, '(1,"a ""quoted"", \\ comma")'),
    (5, NULL);
CREATE TABLE t06_whole (v pair);
ALTER TABLE t06_whole REPLICA IDENTITY FULL;
INSERT INTO t06_whole SELECT v FROM t06;
CREATE TABLE t07 (k int PRIMARY KEY, v pair[]);
INSERT INTO t07 VALUES
    (1, '{}'),
    (2, '{"(1,a)",NULL,"(,)"}'),
    (3, NULL);
CREATE TABLE t07_whole (v pair[]);
ALTER TABLE t07_whole REPLICA IDENTITY FULL;
INSERT INTO t07_whole SELECT v FROM t07;
CREATE TABLE t08 (k int PRIMARY KEY, v nested);
INSERT INTO t08 VALUES
    (1, ROW(ROW(1, E'tab\t'), ARRAY['sad', '']::mood[], ARRAY[ROW(2, NULL), ROW(NULL, '')]::pair[], 5)),
    (2, ROW(NULL, NULL, NULL, NULL)),
    (3, NULL);
CREATE TABLE t08_whole (v nested);
ALTER TABLE t08_whole REPLICA IDENTITY FULL;
INSERT INTO t08_whole SELECT v FROM t08;
CREATE TABLE t09 (k int PRIMARY KEY, v nested[]);
INSERT INTO t09 VALUES
    (1, ARRAY[ROW(ROW(1, 'x'), NULL, NULL, 5)::nested]),
    (2, NULL);
CREATE TABLE t09_whole (v nested[]);
ALTER TABLE t09_whole REPLICA IDENTITY FULL;
INSERT INTO t09_whole SELECT v FROM t09;
CREATE TABLE t10 (k int PRIMARY KEY, v floats);
INSERT INTO t10 VALUES
    (1, 'empty'),
    (2, '[1.5,2.5)'),
    (3, '(,)'),
    (4, '[-0,NaN]'),
    (5, NULL);
CREATE TABLE t10_whole (v floats);
ALTER TABLE t10_whole REPLICA IDENTITY FULL;
INSERT INTO t10_whole SELECT v FROM t10;
CREATE TABLE t11 (k int PRIMARY KEY, v floats[]);
INSERT INTO t11 VALUES
    (1, '{empty,"[1,2)"}'),
    (2, NULL);
CREATE TABLE t11_whole (v floats[]);
ALTER TABLE t11_whole REPLICA IDENTITY FULL;
INSERT INTO t11_whole SELECT v FROM t11;
CREATE TABLE t12 (k int PRIMARY KEY, v moods);
INSERT INTO t12 VALUES
    (1, '{sad}'),
    (2, NULL);
CREATE TABLE t12_whole (v moods);
ALTER TABLE t12_whole REPLICA IDENTITY FULL;
INSERT INTO t12_whole SELECT v FROM t12;
CREATE TABLE keyed (k mood PRIMARY KEY, n smaller, v text);
INSERT INTO keyed VALUES ('sad', 1, 'x'), ('', 2, 'y');
CREATE TABLE composite_key (k pair PRIMARY KEY, v text);
INSERT INTO composite_key VALUES ('(1,a)', 'x'), ('(,)', 'y');
