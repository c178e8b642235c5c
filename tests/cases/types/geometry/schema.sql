-- binary: all of these types can
CREATE TABLE t01 (k int PRIMARY KEY, v point);
INSERT INTO t01 VALUES
    (1, '(0,0)'),
    (2, '(-0,0)'),
    (3, '(NaN,Infinity)'),
    (4, '(-Infinity,1e-300)'),
    (5, '(0.1,0.2)'),
    (6, NULL);
CREATE TABLE t01_whole (v point);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v line);
INSERT INTO t02 VALUES
    (1, '{1,2,3}'),
    (2, '{-1,0,0.5}'),
    (3, NULL);
CREATE TABLE t02_whole (v line);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v lseg);
INSERT INTO t03 VALUES
    (1, '[(0,0),(1,1)]'),
    (2, '[(NaN,-0),(0,0)]'),
    (3, NULL);
CREATE TABLE t03_whole (v lseg);
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v box);
INSERT INTO t04 VALUES
    (1, '(1,1),(0,0)'),
    (2, '(0,0),(0,0)'),
    (3, '(-0,Infinity),(-1,-Infinity)'),
    (4, NULL);
CREATE TABLE t04_whole (v box);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v path);
INSERT INTO t05 VALUES
    (1, '[(0,0),(1,1)]'),
    (2, '((0,0),(1,1),(2,0))'),
    (3, '[(1,1)]'),
    (4, NULL);
CREATE TABLE t05_whole (v path);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
CREATE TABLE t06 (k int PRIMARY KEY, v polygon);
INSERT INTO t06 VALUES
    (1, '((0,0),(1,1),(2,0))'),
    (2, '((0,0))'),
    (3, NULL);
CREATE TABLE t06_whole (v polygon);
ALTER TABLE t06_whole REPLICA IDENTITY FULL;
INSERT INTO t06_whole SELECT v FROM t06;
CREATE TABLE t07 (k int PRIMARY KEY, v circle);
INSERT INTO t07 VALUES
    (1, '<(0,0),1>'),
    (2, '<(1,-0),0>'),
    (3, '<(0,0),Infinity>'),
    (4, NULL);
CREATE TABLE t07_whole (v circle);
ALTER TABLE t07_whole REPLICA IDENTITY FULL;
INSERT INTO t07_whole SELECT v FROM t07;
\ir ../each_value.sql
