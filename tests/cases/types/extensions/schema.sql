CREATE EXTENSION IF NOT EXISTS citext SCHEMA public;
CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;
CREATE EXTENSION IF NOT EXISTS ltree SCHEMA public;
CREATE EXTENSION IF NOT EXISTS cube SCHEMA public;
CREATE TABLE t01 (k int PRIMARY KEY, v public.citext);
INSERT INTO t01 VALUES
    (1, 'a'),
    (2, 'A'),
    (3, ''),
    (4, NULL);
CREATE TABLE t01_whole (v public.citext);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v public.citext[]);
INSERT INTO t02 VALUES
    (1, '{a,NULL}'),
    (2, NULL);
CREATE TABLE t02_whole (v public.citext[]);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
CREATE TABLE t03 (k int PRIMARY KEY, v public.hstore);
INSERT INTO t03 VALUES
    (1, ''),
    (2, 'a=>1'),
    (3, '"a b"=>NULL, "c"=>"d\"e"'),
    (4, NULL);
CREATE TABLE t03_whole (v public.hstore);
ALTER TABLE t03_whole REPLICA IDENTITY FULL;
INSERT INTO t03_whole SELECT v FROM t03;
CREATE TABLE t04 (k int PRIMARY KEY, v public.ltree);
INSERT INTO t04 VALUES
    (1, ''),
    (2, 'a.b.c'),
    (3, NULL);
CREATE TABLE t04_whole (v public.ltree);
ALTER TABLE t04_whole REPLICA IDENTITY FULL;
INSERT INTO t04_whole SELECT v FROM t04;
CREATE TABLE t05 (k int PRIMARY KEY, v public.cube);
INSERT INTO t05 VALUES
    (1, '(1,2),(3,4)'),
    (2, '(0)'),
    (3, NULL);
CREATE TABLE t05_whole (v public.cube);
ALTER TABLE t05_whole REPLICA IDENTITY FULL;
INSERT INTO t05_whole SELECT v FROM t05;
