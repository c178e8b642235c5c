CREATE TABLE t01 (k int PRIMARY KEY, v tsvector);
INSERT INTO t01 VALUES
    (1, ''),
    (2, 'a'),
    (3, 'a:1A,2B,3 b:16383'),
    (4, $$'it''s':1 'back\\slash' 'sp ace':5C$$),
    (5, to_tsvector('simple', repeat('word ', 1000))),
    (6, NULL);
CREATE TABLE t01_whole (v tsvector);
ALTER TABLE t01_whole REPLICA IDENTITY FULL;
INSERT INTO t01_whole SELECT v FROM t01;
CREATE TABLE t02 (k int PRIMARY KEY, v tsquery);
INSERT INTO t02 VALUES
    (1, ''),
    (2, 'a'),
    (3, '!a & (b | c:*AB)'),
    (4, 'a <-> b <3> c'),
    (5, $$'it''s'$$),
    (6, NULL);
CREATE TABLE t02_whole (v tsquery);
ALTER TABLE t02_whole REPLICA IDENTITY FULL;
INSERT INTO t02_whole SELECT v FROM t02;
\ir ../each_value.sql
